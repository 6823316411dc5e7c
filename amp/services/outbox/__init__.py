"""Commits changes to the source of truth and publishes each of them, whatever fails in between (ADR 002).

Uses no other subject but `runtime`.
"""
