"""Asks every part whether it answers, all at once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from amp.errors import AmpError
from amp.ports.part import Part


@dataclass(frozen=True, slots=True)
class PartHealth:
    name: str
    healthy: bool
    detail: str  #: what answered, or why it did not


class CheckHealth:
    """Takes as long as the slowest part, which has two seconds."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts

    def check(self) -> list[PartHealth]:
        with ThreadPoolExecutor(max_workers=len(self._parts), thread_name_prefix="ping") as pool:
            return list(pool.map(_ping, self._parts))


def _ping(part: Part) -> PartHealth:
    try:
        return PartHealth(part.name, True, part.ping())
    except AmpError as e:
        return PartHealth(part.name, False, e.message)
