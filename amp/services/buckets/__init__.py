"""The bucket map, the aliases that it stands for, and which buckets accept writes.

Uses no other subject but `runtime`.
"""
