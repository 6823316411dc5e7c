"""Comparing the search index with the source of truth, and repairing what differs.

Uses `jobs`, `assets`, `indexing`, `buckets`, `types` and `runtime`.
"""
