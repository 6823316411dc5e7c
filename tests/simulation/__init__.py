"""Services run against in-memory twins of their servers, under a scheduler that decides every step from a seed."""
