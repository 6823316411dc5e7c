"""The installation as a whole: its health and its migration.

Uses `jobs`, `indexing`, `buckets` and `runtime`.
"""
