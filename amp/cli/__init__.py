"""The amp command."""
