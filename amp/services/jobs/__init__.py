"""Jobs over many assets: submitting, running and controlling them, and their dead letters.

Uses `search`, `types` and `runtime`.
"""
