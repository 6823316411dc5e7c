"""Buckets move on the real servers while clients write and search, and processes and servers die."""
