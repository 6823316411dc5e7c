"""What each kind of job does to the assets that it is given.

Uses `jobs`, `assets`, `indexing`, `outbox`, `types` and `runtime`.
"""
