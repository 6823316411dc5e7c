"""The reverse index in Cassandra: lists of ids, cut into slots of a day and these into shards."""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zlib import crc32

import orjson

from amp.adapters.cassandra.errors import TooManyTombstones
from amp.adapters.cassandra.id_order import after, between, parts_of
from amp.adapters.cassandra.life_times import head_times_us, purge_times_us
from amp.adapters.cassandra.reads_in_parts import Found, KeyRange, read_in_parts
from amp.adapters.cassandra.session import CassandraSession, Request, rows_of
from amp.domain.assets import Asset
from amp.domain.ids import created_ms
from amp.errors import BadCursor
from amp.ports.asset_listing import IdPage, OrphanedListing

#: A slot is the UTC day of creation. With 16 shards, a day of 10 million new assets makes partitions under 50 MB.
_SLOT_MS = 86_400_000
_SHARDS = 16
#: Partitions that one page looks into, at most; a page of many small ones comes out short instead.
_PARTITIONS_A_PAGE = 128
#: Reads of one page, at most, of a partition that has to be read in parts.
_READS_A_PAGE = 32
#: Of one IN.
_KEYS = 100

INSERT_LISTED = "INSERT INTO {ks}.listed_assets (list, slot, shard, id, listed) VALUES (?, ?, ?, ?, true)"
#: For whoever may have a clock that is behind that of an earlier purge.
INSERT_LISTED_AT = f"{INSERT_LISTED} USING TIMESTAMP ?"
INSERT_SLOT = "INSERT INTO {ks}.list_slots (list, slot, shard) VALUES (?, ?, ?)"
_SLOTS = (
    "SELECT slot, shard FROM {ks}.list_slots "
    "WHERE list = ? AND (slot, shard) > (?, ?) AND (slot, shard) < (?, ?) LIMIT ?"
)
_IDS = "SELECT id FROM {ks}.listed_assets WHERE list = ? AND slot = ? AND shard = ? LIMIT ?"
_IDS_AFTER = "SELECT id FROM {ks}.listed_assets WHERE list = ? AND slot = ? AND shard = ? AND id > ? LIMIT ?"
_IDS_WITHIN = (
    "SELECT id FROM {ks}.listed_assets WHERE list = ? AND slot = ? AND shard = ? AND id > ? AND id <= ? LIMIT ?"
)
_LISTED = "SELECT id, WRITETIME(listed) FROM {ks}.listed_assets WHERE list = ? AND slot = ? AND shard = ? AND id IN ?"
#: Only what was written up to then.
_REMOVE = "DELETE FROM {ks}.listed_assets USING TIMESTAMP ? WHERE list = ? AND slot = ? AND shard = ? AND id = ?"


#: (list, slot, shard)
Place = tuple[str, int, int]


def places_of(asset: Asset) -> list[Place]:
    """The (list, slot, shard) of each partition that lists the asset."""
    return [_place(name, asset.id) for name in ("all", f"type:{asset.type}", f"project:{asset.project}")]


def _place(name: str, asset_id: UUID) -> Place:
    return name, created_ms(asset_id) // _SLOT_MS, crc32(asset_id.bytes) % _SHARDS


def listing_times_us(session: CassandraSession, asset_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The time at which to list each of these assets: now, but after all that was removed as of an earlier purge.

    :raises StoreUnavailable: the store does not answer.
    """
    now_us = time.time_ns() // 1_000
    heads_us = head_times_us(session, asset_ids)
    return {asset_id: max(now_us, heads_us.get(asset_id, 0) + 1) for asset_id in asset_ids}


@dataclass(frozen=True, slots=True)
class Position:
    """Where a walk stands: in a partition after `last`, or past all of it."""

    slot: int
    shard: int
    last: UUID | None

    def encode(self) -> str:
        return urlsafe_b64encode(orjson.dumps([self.slot, self.shard, self.last and self.last.hex])).decode()

    @classmethod
    def decode(cls, text: str) -> "Position":
        try:
            slot, shard, last = orjson.loads(urlsafe_b64decode(text.encode("ascii")))
            if type(slot) is not int or type(shard) is not int or abs(slot) >= 1 << 31 or abs(shard) >= 1 << 31:
                raise ValueError("no slot")
            return cls(slot, shard, None if last is None else UUID(hex=last))
        except (ValueError, TypeError, AttributeError) as e:
            raise BadCursor("the position is not one of this list") from e


#: No slot is before the one or after the other.
_FIRST_SLOT, _LAST_SLOT = -1, (1 << 31) - 1


class CassandraAssetListing:
    """An `AssetListing`: oldest day first, within a day by shard, within a shard by id."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def page(
        self,
        *,
        type_name: str | None = None,
        project: str | None = None,
        from_ms: int | None = None,
        to_ms: int | None = None,
        position: str | None,
        limit: int,
    ) -> IdPage:
        name = f"type:{type_name}" if type_name is not None else f"project:{project}" if project is not None else "all"
        # No shard is below 0: these are the places before the first day of the range and before the one after it.
        start = (_FIRST_SLOT if from_ms is None else from_ms // _SLOT_MS, -1)
        end = (_LAST_SLOT if to_ms is None else -(-to_ms // _SLOT_MS), -1)
        at = Position(*start, None) if position is None else Position.decode(position)
        if position is not None and not start <= (at.slot, at.shard) < end:
            raise BadCursor("the position is not one of this range")
        if start >= end:
            return IdPage((), None)
        ids, after = self._walk(name, at, end, limit)
        # Days are read whole: the first and the last of the range may have ids outside of it.
        within = tuple(asset_id for asset_id in ids if _is_within(asset_id, from_ms, to_ms))
        return IdPage(within, None if after is None else after.encode())

    def unlisted(self, assets: Sequence[Asset]) -> dict[UUID, tuple[str, ...]]:
        wanted = [(place, asset.id) for asset in assets for place in places_of(asset)]
        found = self._listed(wanted)
        missing: dict[UUID, tuple[str, ...]] = {}
        for place, asset_id in wanted:
            if (place, asset_id) not in found:
                missing[asset_id] = (*missing.get(asset_id, ()), place[0])
        return missing

    def add(self, assets: Sequence[Asset]) -> None:
        places = [(place, asset.id) for asset in assets for place in places_of(asset)]
        # The slot first, as it leads to the row.
        self._session.rows_of_many([(INSERT_SLOT, place) for place in dict.fromkeys(place for place, _ in places)])
        listed_us = listing_times_us(self._session, [asset.id for asset in assets])
        requests = [(INSERT_LISTED_AT, (*place, asset_id, listed_us[asset_id])) for place, asset_id in places]
        self._session.rows_of_many(requests)

    def orphans(
        self, ids: Collection[UUID], types: Collection[str], projects: Collection[str]
    ) -> list[OrphanedListing]:
        lists = ["all", *(f"type:{name}" for name in types), *(f"project:{name}" for name in projects)]
        found = self._listed([(_place(name, asset_id), asset_id) for asset_id in ids for name in lists])
        return [
            OrphanedListing(place[0], asset_id, written_us // 1000) for (place, asset_id), written_us in found.items()
        ]

    def drop(self, orphans: Sequence[OrphanedListing]) -> None:
        # The time was cut to milliseconds.
        self._session.rows_of_many(
            [
                (_REMOVE, (orphan.written_ms * 1000 + 999, *_place(orphan.list, orphan.id), orphan.id))
                for orphan in orphans
            ]
        )

    def remove(self, assets: Sequence[Asset]) -> None:
        # As of their purge: whoever creates one of them again has listed it at a later time, whatever the clocks say.
        purged_us = purge_times_us(self._session, assets)
        self._session.rows_of_many(
            [
                (_REMOVE, (purged_us[asset.id], *place, asset.id))
                for asset in assets
                if asset.id in purged_us
                for place in places_of(asset)
            ]
        )

    def _listed(self, wanted: Sequence[tuple[Place, UUID]]) -> dict[tuple[Place, UUID], int]:
        """Those of the rows that are there, with the microsecond in which each was written."""
        by_place: dict[Place, list[UUID]] = defaultdict(list)
        for place, asset_id in wanted:
            by_place[place].append(asset_id)
        requests: list[Request] = [
            (_LISTED, (*place, ids[i : i + _KEYS]))
            for place, ids in by_place.items()
            for i in range(0, len(ids), _KEYS)
        ]
        return {
            # A row from before the column was there is older than anything that may still be going on.
            ((name, slot, shard), asset_id): written_us or 0
            for (_, (name, slot, shard, _)), rows in zip(requests, self._session.rows_of_many(requests), strict=True)
            for asset_id, written_us in rows
        }

    def _walk(self, name: str, at: Position, end: tuple[int, int], limit: int) -> tuple[list[UUID], Position | None]:
        """Up to `limit` ids from `at` on, and where that leaves the walk; None: at its end."""
        ids: list[UUID] = []
        if at.last is not None:
            try:
                rows = self._session.run(_IDS_AFTER, (name, at.slot, at.shard, at.last, limit))
            except TooManyTombstones:
                return self._read_in_parts((name, at.slot, at.shard), at.last, limit)
            ids = [row[0] for row in rows]
            at = Position(at.slot, at.shard, ids[-1] if len(ids) == limit else None)
        looked_into = 0
        while len(ids) < limit and looked_into < _PARTITIONS_A_PAGE:
            # More of them at once the less the ones before gave.
            partitions = self._session.run(_SLOTS, (name, at.slot, at.shard, *end, 1 + looked_into))
            if not partitions:
                return ids, None
            at, in_parts = self._read(name, partitions, limit, ids)
            if in_parts:
                return ids, at
            looked_into += len(partitions)
        return ids, at

    def _read(self, name: str, partitions: list[Any], limit: int, ids: list[UUID]) -> tuple[Position, bool]:
        """Adds the ids of the partitions to `ids`, up to `limit`; where that leaves the walk, and whether the last of
        them had to be read in parts."""
        wanted = limit - len(ids)
        answers = self._session.run_many([(_IDS, (name, slot, shard, wanted)) for slot, shard in partitions])
        for (slot, shard), answer in zip(partitions, answers, strict=True):
            room = limit - len(ids)
            try:
                rows = rows_of(answer)
            except TooManyTombstones:
                found, at = self._read_in_parts((name, slot, shard), None, room)
                ids += found
                return at, True
            ids += [row[0] for row in rows[:room]]
            if len(rows) >= room:
                return Position(slot, shard, ids[-1]), False
        slot, shard = partitions[-1]
        return Position(slot, shard, None), False

    def _read_in_parts(self, place: Place, last: UUID | None, limit: int) -> tuple[list[UUID], Position]:
        """The ids after `last` of a partition whose assets were purged by the thousands of late, as far as one page
        goes; and where that leaves the walk."""

        def read(part: KeyRange[UUID], rows_wanted: int) -> list[UUID]:
            values = (*place, part.begin, part.end, rows_wanted)
            return [row[0] for row in self._session.run(_IDS_WITHIN, values)]

        _, slot, shard = place
        parts = parts_of(slot * _SLOT_MS, (slot + 1) * _SLOT_MS)
        if last is not None:
            parts = after(parts, last)
        found: Found[UUID, UUID] = read_in_parts(read, parts, between, limit, _READS_A_PAGE)
        return found.rows, Position(slot, shard, found.rows[-1] if len(found.rows) == limit else found.read_to)


def _is_within(asset_id: UUID, from_ms: int | None, to_ms: int | None) -> bool:
    if from_ms is None and to_ms is None:
        return True
    ms = created_ms(asset_id)
    return (from_ms is None or from_ms <= ms) and (to_ms is None or ms < to_ms)
