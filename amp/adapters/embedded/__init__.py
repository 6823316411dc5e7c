"""The embedded set: SQLite and the process itself, no servers."""
