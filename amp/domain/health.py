"""The health of one thing that operators watch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ComponentHealth:
    """The health of a component, of a bucket, or of work that waits."""

    name: str
    healthy: bool
    detail: str  #: what it answered, or what is wrong
