"""Measures AMP against the limit of what it stands on, in one run on one machine."""
