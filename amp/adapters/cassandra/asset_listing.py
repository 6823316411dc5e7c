"""The reverse index in Cassandra: lists of ids, cut into slots of a day and these into shards."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zlib import crc32

import orjson

from amp.adapters.cassandra.session import CassandraSession
from amp.domain.assets import Asset
from amp.errors import BadCursor
from amp.ports.asset_listing import IdPage

#: A slot is the UTC day of creation. With 16 shards, a day of 10 million new assets makes partitions under 50 MB.
_SLOT_MS = 86_400_000
_SHARDS = 16
#: Partitions that one page looks into, at most; a page of many small ones comes out short instead.
_PARTITIONS_A_PAGE = 128

INSERT_LISTED = "INSERT INTO {ks}.listed_assets (list, slot, shard, id) VALUES (?, ?, ?, ?)"
INSERT_SLOT = "INSERT INTO {ks}.list_slots (list, slot, shard) VALUES (?, ?, ?)"
_SLOTS = "SELECT slot, shard FROM {ks}.list_slots WHERE list = ? AND (slot, shard) > (?, ?) LIMIT ?"
_IDS = "SELECT id FROM {ks}.listed_assets WHERE list = ? AND slot = ? AND shard = ? LIMIT ?"
_IDS_AFTER = "SELECT id FROM {ks}.listed_assets WHERE list = ? AND slot = ? AND shard = ? AND id > ? LIMIT ?"


def places_of(asset: Asset) -> list[tuple[str, int, int]]:
    """The (list, slot, shard) of each partition that lists the asset."""
    slot, shard = asset.created_ms // _SLOT_MS, crc32(asset.id.bytes) % _SHARDS
    return [(name, slot, shard) for name in ("all", f"type:{asset.type}", f"project:{asset.project}")]


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


_START = Position(-1, -1, None)


class CassandraAssetListing:
    """An `AssetListing`: oldest day first, within a day by shard, within a shard by id."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def page(self, *, type_name: str | None, project: str | None, position: str | None, limit: int) -> IdPage:
        name = f"type:{type_name}" if type_name is not None else f"project:{project}" if project is not None else "all"
        at = _START if position is None else Position.decode(position)
        ids: list[UUID] = []
        if at.last is not None:
            rows = self._session.run(_IDS_AFTER, (name, at.slot, at.shard, at.last, limit))
            ids = [row[0] for row in rows]
            at = Position(at.slot, at.shard, ids[-1] if len(ids) == limit else None)
        looked_into = 0
        while len(ids) < limit and looked_into < _PARTITIONS_A_PAGE:
            # More of them at once the less the ones before gave.
            partitions = self._session.run(_SLOTS, (name, at.slot, at.shard, 1 + looked_into))
            if not partitions:
                return IdPage(tuple(ids), None)
            at = self._read(name, partitions, limit, ids)
            looked_into += len(partitions)
        return IdPage(tuple(ids), at.encode())

    def _read(self, name: str, partitions: list[Any], limit: int, ids: list[UUID]) -> Position:
        """Adds the ids of the partitions to `ids`, up to `limit`; where that leaves the walk."""
        wanted = limit - len(ids)
        answers = self._session.rows_of_many([(_IDS, (name, slot, shard, wanted)) for slot, shard in partitions])
        for (slot, shard), rows in zip(partitions, answers, strict=True):
            room = limit - len(ids)
            ids += [row[0] for row in rows[:room]]
            if len(rows) >= room:
                return Position(slot, shard, ids[-1])
        slot, shard = partitions[-1]
        return Position(slot, shard, None)
