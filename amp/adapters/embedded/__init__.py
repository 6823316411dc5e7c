"""The embedded profile: the ports on SQLite and in the memory of the process, without any servers."""
