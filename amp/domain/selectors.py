"""Selectors: which assets a job is for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from amp.domain.assets import Asset


@dataclass(frozen=True, kw_only=True, slots=True)
class Selector:
    """All assets, deleted ones included, that meet every condition given; no condition: all assets.

    A query and a list of ids stand alone. A query selects what a search finds, so no deleted assets.
    """

    type: str | None = None
    project: str | None = None
    from_ms: int | None = None  #: created at or after
    to_ms: int | None = None  #: created before
    query: str | None = None  #: in the text form of searches
    ids: int | None = None  #: how many ids were listed; they are in the job's chunks

    def covers(self, asset: Asset) -> bool:
        """Whether an asset on the lists is one of them; what was searched or listed by id always is."""
        return (
            self.type in (None, asset.type)
            and self.project in (None, asset.project)
            and (self.from_ms is None or self.from_ms <= asset.created_ms)
            and (self.to_ms is None or asset.created_ms < self.to_ms)
        )

    @property
    def selects_all(self) -> bool:
        return self == Selector()


def selector_json(selector: Selector) -> dict[str, Any]:
    """As a job's parameters keep it; the inverse of `selector_from_json`."""
    return {name: value for name, value in asdict(selector).items() if value is not None}


def selector_from_json(data: Mapping[str, Any]) -> Selector:
    return Selector(**data)
