"""The source of truth in Cassandra: one partition per asset, one conditional batch per change."""

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

#: Maximum number of keys in one IN: enough to save most of the cost per request, few enough not to overload one
#: coordinator.
_KEYS_AT_ONCE = 50
#: Number of requests in progress while heads are consumed one by one: enough to keep a server busy, few enough for
#: large heads.
_READ_AHEAD = 3
#: The first row of a partition is its newest version or, if a purge left no version, its newest revision. Head and
#: content come from one read: a change between two reads could result in a head without its content.
_HEAD_ROW = f"SELECT {HEAD_COLUMNS} FROM {{ks}}.assets WHERE id %s PER PARTITION LIMIT 1"
_SETTLE = "SELECT revision FROM {ks}.assets WHERE id = ? LIMIT 1"
_VERSIONS = f"SELECT {VERSION_COLUMNS} FROM {{ks}}.assets WHERE id = ? AND row_kind = 'version' AND number IN ?"
_VERSION_PAGE = (
    f"SELECT {VERSION_COLUMNS} FROM {{ks}}.assets WHERE id = ? AND row_kind = 'version' AND number < ? LIMIT ?"
)
_MAX_NUMBER = (1 << 63) - 1


class CassandraAssetStore:
    """Implements `AssetStore`. The module `asset_rows` describes the rows of a partition."""

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
            # A serial read is limited to one partition. The plain reads below see what it has finished.
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
            for numbers in _chunks(sorted(set(all_numbers)), _KEYS_AT_ONCE)
        ]
        versions = [version_of_row(row) for rows in self._session.rows_of_many(requests) for row in rows]
        return {(version.asset_id, version.version): version for version in versions}

    def version_page(self, asset_id: UUID, below: int | None, limit: int) -> list[Version]:
        rows = self._session.run(_VERSION_PAGE, (asset_id, _MAX_NUMBER if below is None else below, limit))
        return [version_of_row(row) for row in rows]

    def applied(self, change_ids: Mapping[UUID, UUID]) -> set[UUID]:
        answers = self._session.rows_of_many([(CHANGE_ROW, key) for key in change_ids.items()])
        return {asset_id for asset_id, rows in zip(change_ids, answers, strict=True) if rows}

    def strip(self, purged: Sequence[Asset]) -> None:
        # Not settled here: who needs the outcome reads the heads afterwards. If the batch is sent twice, the second one
        # finds another `change_id` and changes nothing.
        self._session.rows_of_many([strip_request(asset, uuid4()) for asset in purged], Mode.CONDITIONAL)


def _head_requests(ids: Sequence[UUID]) -> list[Request]:
    return [
        # With a single key, the driver sends the request directly to a replica.
        (_HEAD_ROW % "= ?", (keys[0],)) if len(keys) == 1 else (_HEAD_ROW % "IN ?", (keys,))
        for keys in _chunks(ids, _KEYS_AT_ONCE)
    ]


def _chunks(items: Iterable[Any], size: int) -> Iterable[list[Any]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
