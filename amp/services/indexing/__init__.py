"""Building the search documents of changed assets and writing them into their buckets.

Uses `buckets`, `types` and `runtime`.
"""
