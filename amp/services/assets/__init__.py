"""Creating, changing and reading single assets, and the names that they claim.

Uses `outbox`, `types` and `runtime`.
"""
