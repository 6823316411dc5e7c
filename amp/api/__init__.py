"""The REST API: parse, call one service, present."""
