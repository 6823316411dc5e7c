"""Brute force: what a search must answer, worked out in plain Python over a handful of random assets."""
