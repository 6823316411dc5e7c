"""Faults on purpose: the service as processes that can be killed, load that remembers what was acknowledged, and
the comparison of index and store afterwards."""
