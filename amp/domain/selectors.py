"""Selectors: which assets a job processes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from amp.domain.assets import Asset


@dataclass(frozen=True, kw_only=True, slots=True)
class Selector:
    """Selects the assets that meet every condition given, deleted assets included. Without a condition, all assets.

    A query or a list of ids cannot be combined with other conditions. A query selects what a search finds, so it
    excludes deleted assets.
    """

    type: str | None = None
    project: str | None = None
    from_ms: int | None = None  #: created at or after
    to_ms: int | None = None  #: created before
    query: str | None = None  #: in the text form of searches
    ids: int | None = None  #: number of ids in the list, which is stored with the job

    def covers(self, asset: Asset) -> bool:
        """Return whether an asset meets the conditions on type, project and time. The answer is True for a query or a
        list of ids, which have no such conditions.
        """
        return (
            self.type in (None, asset.type)
            and self.project in (None, asset.project)
            and (self.from_ms is None or self.from_ms <= asset.created_ms)
            and (self.to_ms is None or asset.created_ms < self.to_ms)
        )

    @property
    def selects_all(self) -> bool:
        """Return whether there is no condition."""
        return self == Selector()


def selector_json(selector: Selector) -> dict[str, Any]:
    """Return the selector as a job's parameters store it; the inverse of `selector_from_json`."""
    return {name: value for name, value in asdict(selector).items() if value is not None}


def selector_from_json(data: Mapping[str, Any]) -> Selector:
    return Selector(**data)
