"""Compares the lists of types and projects with the list of all assets."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from uuid import UUID
from zlib import crc32

from amp.domain.assets import Asset
from amp.domain.selectors import Selector
from amp.ports.asset_listing import AssetListing
from amp.services.jobs.asset_selection import listed

#: Ids of one page.
_PAGE = 10_000


@dataclass(slots=True)
class _Members:
    """Count and checksum of the members of a list, independent of their order."""

    count: int = 0
    checksum: int = 0

    def add(self, asset_id: UUID) -> None:
        self.count += 1
        self.checksum ^= crc32(asset_id.bytes)


@dataclass(slots=True)
class ListTotals:
    """Totals of the assets that the lists of types and projects should have."""

    _expected: dict[Selector, _Members] = field(default_factory=lambda: defaultdict(_Members))

    def add(self, head: Asset) -> None:
        """Add an asset of the list of all assets."""
        self._expected[Selector(type=head.type)].add(head.id)
        self._expected[Selector(project=head.project)].add(head.id)

    def agree_with(self, listing: AssetListing, begin_ms: int, end_ms: int) -> bool:
        """Return whether the lists have the same members, created in this range.

        :raises StoreUnavailable: the store does not answer.
        """
        return all(
            _members(listing, replace(selector, from_ms=begin_ms, to_ms=end_ms)) == members
            for selector, members in self._expected.items()
        )


def _members(listing: AssetListing, selector: Selector) -> _Members:
    members, position = _Members(), None
    while True:
        page = listed(listing, selector, position, _PAGE)
        for asset_id in page.ids:
            members.add(asset_id)
        position = page.position
        if position is None:
            return members
