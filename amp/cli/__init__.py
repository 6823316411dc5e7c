"""The `amp` command."""
