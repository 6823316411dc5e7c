"""Routes by noun: parse, one service, present."""
