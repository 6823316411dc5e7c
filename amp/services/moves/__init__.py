"""Splitting, merging and rebuilding buckets while reads and writes continue (ADR 007).

Uses `jobs`, `buckets` and `runtime`.
"""
