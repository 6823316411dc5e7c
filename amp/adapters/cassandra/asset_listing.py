"""The reverse index in Cassandra: lists of ids, divided into slots of one day, and each slot into shards."""

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
from amp.adapters.cassandra.reads_in_parts import KeyRange, ReadResult, read_in_parts
from amp.adapters.cassandra.session import CassandraSession, Request, rows_of
from amp.domain.assets import Asset
from amp.domain.ids import created_ms
from amp.errors import BadCursor
from amp.ports.asset_listing import IdPage, OrphanedListing

#: Length of a slot: the UTC day of creation. With 16 shards, a day with 10 million new assets has partitions of less
#: than 50 MB.
_SLOT_MS = 86_400_000
_SHARDS = 16
#: Maximum number of partitions that are read for one page. A page of many small partitions is shorter than its limit.
_MAX_PARTITIONS_PER_PAGE = 128
#: Maximum number of reads for one page, if a partition has to be read in parts.
_MAX_READS_PER_PAGE = 32
#: Maximum number of keys in one IN.
_KEYS_AT_ONCE = 100

INSERT_LISTED = "INSERT INTO {ks}.listed_assets (list, slot, shard, id, listed) VALUES (?, ?, ?, ?, true)"
#: For writers whose clock may be behind the clock of an earlier purge.
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
#: Removes only rows that were written up to this timestamp.
_REMOVE = "DELETE FROM {ks}.listed_assets USING TIMESTAMP ? WHERE list = ? AND slot = ? AND shard = ? AND id = ?"


#: The key of a partition of `listed_assets`: (list, slot, shard).
Partition = tuple[str, int, int]


def partitions_of(asset: Asset) -> list[Partition]:
    """Return the key of each partition that lists the asset."""
    return [_partition(name, asset.id) for name in ("all", f"type:{asset.type}", f"project:{asset.project}")]


def _partition(name: str, asset_id: UUID) -> Partition:
    return name, created_ms(asset_id) // _SLOT_MS, crc32(asset_id.bytes) % _SHARDS


def listing_times_us(session: CassandraSession, asset_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the timestamp at which to list each of these assets, in microseconds: now, but later than any removal that
    is dated to an earlier purge.

    :raises StoreUnavailable: the store does not answer.
    """
    now_us = time.time_ns() // 1_000
    heads_us = head_times_us(session, asset_ids)
    return {asset_id: max(now_us, heads_us.get(asset_id, 0) + 1) for asset_id in asset_ids}


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a list: in a partition after the id `last`; if that is None, after all ids of the partition."""

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
                raise ValueError("slot or shard out of range")
            return cls(slot, shard, None if last is None else UUID(hex=last))
        except (ValueError, TypeError, AttributeError) as e:
            raise BadCursor("the position does not belong to this list") from e


#: No slot is before the first of these or after the last.
_FIRST_SLOT, _LAST_SLOT = -1, (1 << 31) - 1


class CassandraAssetListing:
    """Implements `AssetListing`. The order is by day, oldest first, then by shard, then by id."""

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
        # No shard is below 0, so these are the positions before the first day of the range and before the day after it.
        start = (_FIRST_SLOT if from_ms is None else from_ms // _SLOT_MS, -1)
        end = (_LAST_SLOT if to_ms is None else -(-to_ms // _SLOT_MS), -1)
        at = Position(*start, None) if position is None else Position.decode(position)
        if position is not None and not start <= (at.slot, at.shard) < end:
            raise BadCursor("the position is outside of this time range")
        if start >= end:
            return IdPage((), None)
        ids, after = self._read_list(name, at, end, limit)
        # Whole days are read, so the first and the last day may have ids outside of the range.
        within = tuple(asset_id for asset_id in ids if _is_within(asset_id, from_ms, to_ms))
        return IdPage(within, None if after is None else after.encode())

    def unlisted(self, assets: Sequence[Asset]) -> dict[UUID, tuple[str, ...]]:
        wanted = [(partition, asset.id) for asset in assets for partition in partitions_of(asset)]
        listed = self._listed(wanted)
        missing: dict[UUID, tuple[str, ...]] = {}
        for partition, asset_id in wanted:
            if (partition, asset_id) not in listed:
                missing[asset_id] = (*missing.get(asset_id, ()), partition[0])
        return missing

    def add(self, assets: Sequence[Asset]) -> None:
        rows = [(partition, asset.id) for asset in assets for partition in partitions_of(asset)]
        # Slots first: without its slot, a row is never found.
        partitions = dict.fromkeys(partition for partition, _ in rows)
        self._session.rows_of_many([(INSERT_SLOT, partition) for partition in partitions])
        listed_us = listing_times_us(self._session, [asset.id for asset in assets])
        requests = [(INSERT_LISTED_AT, (*partition, asset_id, listed_us[asset_id])) for partition, asset_id in rows]
        self._session.rows_of_many(requests)

    def orphans(
        self, ids: Collection[UUID], types: Collection[str], projects: Collection[str]
    ) -> list[OrphanedListing]:
        lists = ["all", *(f"type:{name}" for name in types), *(f"project:{name}" for name in projects)]
        listed = self._listed([(_partition(name, asset_id), asset_id) for asset_id in ids for name in lists])
        return [
            OrphanedListing(partition[0], asset_id, written_us // 1000)
            for (partition, asset_id), written_us in listed.items()
        ]

    def drop(self, orphans: Sequence[OrphanedListing]) -> None:
        # `written_ms` was truncated to milliseconds, so 999 microseconds are added.
        self._session.rows_of_many(
            [
                (_REMOVE, (orphan.written_ms * 1000 + 999, *_partition(orphan.list, orphan.id), orphan.id))
                for orphan in orphans
            ]
        )

    def remove(self, assets: Sequence[Asset]) -> None:
        # Removals are dated to the purge. An asset that was created again has been listed at a later timestamp, even if
        # clocks differ.
        purged_us = purge_times_us(self._session, assets)
        self._session.rows_of_many(
            [
                (_REMOVE, (purged_us[asset.id], *partition, asset.id))
                for asset in assets
                if asset.id in purged_us
                for partition in partitions_of(asset)
            ]
        )

    def _listed(self, wanted: Sequence[tuple[Partition, UUID]]) -> dict[tuple[Partition, UUID], int]:
        """Return those of the rows that exist, with the time at which each was written, in microseconds."""
        by_partition: dict[Partition, list[UUID]] = defaultdict(list)
        for partition, asset_id in wanted:
            by_partition[partition].append(asset_id)
        requests: list[Request] = [
            (_LISTED, (*partition, ids[i : i + _KEYS_AT_ONCE]))
            for partition, ids in by_partition.items()
            for i in range(0, len(ids), _KEYS_AT_ONCE)
        ]
        return {
            # A row from before this column existed is older than any write that may still be in progress.
            ((name, slot, shard), asset_id): written_us or 0
            for (_, (name, slot, shard, _)), rows in zip(requests, self._session.rows_of_many(requests), strict=True)
            for asset_id, written_us in rows
        }

    def _read_list(
        self, name: str, at: Position, end: tuple[int, int], limit: int
    ) -> tuple[list[UUID], Position | None]:
        """Return up to `limit` ids after `at`, and the position after them; None: the end of the list."""
        ids: list[UUID] = []
        if at.last is not None:
            try:
                rows = self._session.run(_IDS_AFTER, (name, at.slot, at.shard, at.last, limit))
            except TooManyTombstones:
                return self._read_in_parts((name, at.slot, at.shard), at.last, limit)
            ids = [row[0] for row in rows]
            at = Position(at.slot, at.shard, ids[-1] if len(ids) == limit else None)
        partitions_read = 0
        while len(ids) < limit and partitions_read < _MAX_PARTITIONS_PER_PAGE:
            # The fewer ids the previous partitions had, the more are read at once.
            partitions = self._session.run(_SLOTS, (name, at.slot, at.shard, *end, 1 + partitions_read))
            if not partitions:
                return ids, None
            more, at, in_parts = self._read_partitions(name, partitions, limit - len(ids))
            ids += more
            if in_parts:
                return ids, at
            partitions_read += len(partitions)
        return ids, at

    def _read_partitions(self, name: str, partitions: list[Any], limit: int) -> tuple[list[UUID], Position, bool]:
        """Return up to `limit` ids of the partitions, the position after them, and whether the last partition had to be
        read in parts.
        """
        ids: list[UUID] = []
        answers = self._session.run_many([(_IDS, (name, slot, shard, limit)) for slot, shard in partitions])
        for (slot, shard), answer in zip(partitions, answers, strict=True):
            room = limit - len(ids)
            try:
                rows = rows_of(answer)
            except TooManyTombstones:
                more, at = self._read_in_parts((name, slot, shard), None, room)
                return ids + more, at, True
            ids += [row[0] for row in rows[:room]]
            if len(rows) >= room:
                return ids, Position(slot, shard, ids[-1]), False
        slot, shard = partitions[-1]
        return ids, Position(slot, shard, None), False

    def _read_in_parts(self, partition: Partition, last: UUID | None, limit: int) -> tuple[list[UUID], Position]:
        """Return the ids after `last` of a partition from which thousands of assets were purged recently, up to the
        limits of one page, and the position after them.
        """

        def read(part: KeyRange[UUID], rows_wanted: int) -> list[UUID]:
            values = (*partition, part.begin, part.end, rows_wanted)
            return [row[0] for row in self._session.run(_IDS_WITHIN, values)]

        _, slot, shard = partition
        parts = parts_of(slot * _SLOT_MS, (slot + 1) * _SLOT_MS)
        if last is not None:
            parts = after(parts, last)
        result: ReadResult[UUID, UUID] = read_in_parts(read, parts, between, limit, _MAX_READS_PER_PAGE)
        end = result.rows[-1] if len(result.rows) == limit else result.read_to
        return result.rows, Position(slot, shard, end)


def _is_within(asset_id: UUID, from_ms: int | None, to_ms: int | None) -> bool:
    if from_ms is None and to_ms is None:
        return True
    ms = created_ms(asset_id)
    return (from_ms is None or from_ms <= ms) and (to_ms is None or ms < to_ms)
