"""Who is calling: threaded through every use case, so that rights have a place to stand on."""

from dataclasses import dataclass

ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of a use case, as the API or the CLI made it out."""

    name: str = ANONYMOUS
