"""Searching assets: queries, cursors, and waiting until a change is visible.

Uses `buckets`, `types` and `runtime`.
"""
