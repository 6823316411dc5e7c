"""Principals: who makes a request. Every use case that a client can reach takes one, even if it does not use it yet, so
that access can be checked in one place for each.
"""

from dataclasses import dataclass

ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Principal:
    """The principal that the API or the CLI determined for a request."""

    name: str = ANONYMOUS


#: The bucket worker, for what it does without being asked.
BUCKET_WORKER = Principal("bucket worker")
#: The continuous check, for the jobs that it submits.
CONTINUOUS_CHECK = Principal("continuous check")
#: The metrics, for the figures that they read.
METRICS = Principal("metrics")
