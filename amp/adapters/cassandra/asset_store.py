"""The source of truth in Cassandra: one partition an asset, each step of it one conditional batch."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from amp.adapters.cassandra.asset_rows import (
    HEAD_COLUMNS,
    VERSION_COLUMNS,
    asset_of,
    metadata_bytes,
    strip_request,
    version_of_row,
)
from amp.adapters.cassandra.asset_steps import CHANGE_ROW, AssetSteps
from amp.adapters.cassandra.preparation import Preparation
from amp.adapters.cassandra.session import CassandraSession, Mode, Request
from amp.domain.assets import Asset, Change, Version
from amp.domain.messages import Intent
from amp.domain.retention import Retention
from amp.ports.asset_store import CommitResult

#: Keys of one IN: enough to save most of the cost per request, few enough not to burden one coordinator.
_KEYS = 50
#: Requests under way whose heads are taken one by one: enough to keep a server busy, few enough for large heads.
_READ_AHEAD = 3
#: The first row of a partition is its newest version, or the newest revision where a purge left no version. One read,
#: so that a change between two of them cannot show a head without its content.
_HEAD_ROW = f"SELECT {HEAD_COLUMNS} FROM {{ks}}.assets WHERE id %s PER PARTITION LIMIT 1"
_SETTLE = "SELECT revision FROM {ks}.assets WHERE id = ? LIMIT 1"
_VERSIONS = f"SELECT {VERSION_COLUMNS} FROM {{ks}}.assets WHERE id = ? AND row_kind = 'version' AND number IN ?"
_VERSION_PAGE = (
    f"SELECT {VERSION_COLUMNS} FROM {{ks}}.assets WHERE id = ? AND row_kind = 'version' AND number < ? LIMIT ?"
)
_MOST = (1 << 63) - 1


class CassandraAssetStore:
    """An `AssetStore`. See `asset_rows` for what a partition holds."""

    def __init__(self, session: CassandraSession, retention: Retention | None = None) -> None:
        self._session = session
        self._preparation = Preparation(session)
        self._steps = AssetSteps(session, self.heads, retention or Retention())

    def prepare(self, changes: Sequence[tuple[Change, Intent]]) -> None:
        self._preparation.write(changes)

    def apply(self, changes: Sequence[Change]) -> list[CommitResult]:
        return self._steps.apply(changes)

    def heads(self, ids: Collection[UUID], *, settle: bool = False) -> dict[UUID, Asset]:
        wanted = list(dict.fromkeys(ids))
        if settle:
            # A serial read takes one partition at a time; what it finished, the plain reads below see.
            self._session.rows_of_many([(_SETTLE, (asset_id,)) for asset_id in wanted], Mode.SERIAL)
        return {row[0]: asset_of(row) for rows in self._session.rows_of_many(_head_requests(wanted)) for row in rows}

    def each_head(self, ids: Collection[UUID]) -> Iterator[tuple[Asset, int]]:
        for rows in self._session.rows_of_each(_head_requests(list(dict.fromkeys(ids))), _READ_AHEAD):
            for row in rows:
                yield asset_of(row), metadata_bytes(row)

    def versions(self, wanted: Mapping[UUID, Collection[int]]) -> dict[tuple[UUID, int], Version]:
        requests: list[Request] = [
            (_VERSIONS, (asset_id, numbers))
            for asset_id, all_numbers in wanted.items()
            for numbers in _chunks(sorted(set(all_numbers)), _KEYS)
        ]
        found = [version_of_row(row) for rows in self._session.rows_of_many(requests) for row in rows]
        return {(version.asset_id, version.version): version for version in found}

    def version_page(self, asset_id: UUID, below: int | None, limit: int) -> list[Version]:
        rows = self._session.run(_VERSION_PAGE, (asset_id, _MOST if below is None else below, limit))
        return [version_of_row(row) for row in rows]

    def applied(self, change_ids: Mapping[UUID, UUID]) -> set[UUID]:
        answers = self._session.rows_of_many([(CHANGE_ROW, key) for key in change_ids.items()])
        return {asset_id for asset_id, rows in zip(change_ids, answers, strict=True) if rows}

    def strip(self, purged: Sequence[Asset]) -> None:
        # Settled by those who read the heads after; sent twice, it finds another `change_id`.
        self._session.rows_of_many([strip_request(asset, uuid4()) for asset in purged], Mode.CONDITIONAL)


def _head_requests(ids: Sequence[UUID]) -> list[Request]:
    return [
        # A single key lets the driver ask a replica straight away.
        (_HEAD_ROW % "= ?", (keys[0],)) if len(keys) == 1 else (_HEAD_ROW % "IN ?", (keys,))
        for keys in _chunks(ids, _KEYS)
    ]


def _chunks(items: Iterable[Any], size: int) -> Iterable[list[Any]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
