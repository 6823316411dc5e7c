"""The health of one thing that operators monitor."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ComponentHealth:
    """The health of a component, of a bucket, or of pending work."""

    name: str
    healthy: bool
    detail: str  #: what the component answered, or what is wrong
