"""Principals: who makes a request. Every use case receives one, so that access can be checked there."""

from dataclasses import dataclass

ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Principal:
    """The principal that the API or the CLI determined for a request."""

    name: str = ANONYMOUS


#: The bucket worker, for what it does without being asked.
BUCKET_WORKER = Principal("bucket worker")
