"""The asset store on SQLite. Every call is one transaction, which also checks the conditions of the call."""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from amp.adapters.embedded.asset_rows import (
    ASSET_COLUMNS,
    VERSION_COLUMNS,
    asset_from_row,
    asset_row,
    metadata_bytes,
    version_from_row,
    version_row,
)
from amp.adapters.embedded.database import Database
from amp.domain.assets import Asset, Change, State, Version, version_of
from amp.domain.changes import stripped
from amp.domain.messages import Intent
from amp.domain.retention import Retention
from amp.errors import StoreUnavailable
from amp.ports.asset_store import CommitResult, CommitStatus

#: Number of ids in one query. SQLite accepts at most 32,766 parameters per statement.
_IDS_PER_QUERY = 1_000
#: Number of heads that `each_head` reads at a time. It is small because each head may be large.
_READ_AHEAD = 50

_PUT_HEAD = (
    f"INSERT INTO assets ({ASSET_COLUMNS}) VALUES ({', '.join('?' * 17)}) ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in ASSET_COLUMNS.split(", ")[1:])
)
_STRIP = (
    "UPDATE assets SET "
    + ", ".join(f"{column} = ?" for column in ASSET_COLUMNS.split(", ")[1:])
    + " WHERE id = ? AND revision = ? AND change_id = ?"
)
_STRIP_REVISIONS = "UPDATE revisions SET kind = '', version = 0, changed_ms = 0, changed_by = '' WHERE asset_id = ?"
_PUT_VERSION = f"INSERT OR REPLACE INTO versions ({VERSION_COLUMNS}) VALUES ({', '.join('?' * 9)})"
#: Deletes revisions up to a number once their change ids are no longer needed. The seventh byte of an id contains its
#: UUID version. Ids of version 5 are derived.
_FORGET = (
    "DELETE FROM revisions WHERE asset_id = ? AND revision <= ? AND changed_ms < "
    "CASE WHEN substr(change_id, 7, 1) BETWEEN x'50' AND x'5f' THEN ? ELSE ? END"
)


class SqliteAssetStore:
    def __init__(self, database: Database, retention: Retention | None = None) -> None:
        self._database = database
        self._retention = retention or Retention()

    def prepare(self, changes: Sequence[tuple[Change, Intent]]) -> None:
        # The listing consists of indexes over the heads. Only the intents need rows before the change is applied.
        rows = [
            (
                intent.due_ms,
                intent.message.asset_id.bytes,
                intent.message.change_id.bytes,
                intent.message.version,
                intent.message.revision,
                intent.message.scope.value,
                intent.recorded_ms,
            )
            for _, intent in changes
        ]
        with self._database.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO intents VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def apply(self, changes: Sequence[Change]) -> list[CommitResult]:
        results: list[CommitResult] = []
        try:
            with self._database.writing() as connection:
                results = _apply(connection, changes, self._retention)
        except StoreUnavailable:
            if not results:
                raise
            # The commit itself failed. For this process it is rolled back, but if it has reached the disk, it may
            # reappear.
            return [CommitResult(CommitStatus.UNKNOWN) if r.status is CommitStatus.APPLIED else r for r in results]
        return results

    def heads(self, ids: Collection[UUID], *, settle: bool = False) -> dict[UUID, Asset]:  # noqa: ARG002 - never open
        with self._database.reading() as connection:
            return _heads(connection, list(ids))

    def each_head(self, ids: Collection[UUID]) -> Iterator[tuple[Asset, int]]:
        unique_ids = list(dict.fromkeys(ids))
        for start in range(0, len(unique_ids), _READ_AHEAD):
            with self._database.reading() as connection:
                rows = _head_rows(connection, unique_ids[start : start + _READ_AHEAD])
            for row in rows:
                yield asset_from_row(row), metadata_bytes(row)

    def versions(self, wanted: Mapping[UUID, Collection[int]]) -> dict[tuple[UUID, int], Version]:
        query = f"SELECT {VERSION_COLUMNS} FROM versions WHERE asset_id = ? AND version = ?"
        versions = {}
        with self._database.reading() as connection:
            for asset_id, numbers in wanted.items():
                for number in numbers:
                    row = connection.execute(query, (asset_id.bytes, number)).fetchone()
                    if row is not None:
                        versions[asset_id, number] = version_from_row(row)
        return versions

    def version_page(self, asset_id: UUID, below: int | None, limit: int) -> list[Version]:
        query = (
            f"SELECT {VERSION_COLUMNS} FROM versions WHERE asset_id = ? AND (? IS NULL OR version < ?)"
            " ORDER BY version DESC LIMIT ?"
        )
        with self._database.reading() as connection:
            rows = connection.execute(query, (asset_id.bytes, below, below, limit)).fetchall()
        return [version_from_row(row) for row in rows]

    def applied(self, change_ids: Mapping[UUID, UUID]) -> set[UUID]:
        with self._database.reading() as connection:
            return {
                asset_id for asset_id, change_id in change_ids.items() if _is_applied(connection, asset_id, change_id)
            }

    def strip(self, purged: Sequence[Asset]) -> None:
        with self._database.writing() as connection:
            for asset in purged:
                row = asset_row(stripped(asset, uuid4()))
                cursor = connection.execute(_STRIP, (*row[1:], *row[:1], asset.revision, asset.change_id.bytes))
                if cursor.rowcount:
                    connection.execute(_STRIP_REVISIONS, row[:1])


def _heads(connection: sqlite3.Connection, ids: Sequence[UUID]) -> dict[UUID, Asset]:
    heads = {}
    for start in range(0, len(ids), _IDS_PER_QUERY):
        for head in map(asset_from_row, _head_rows(connection, ids[start : start + _IDS_PER_QUERY])):
            heads[head.id] = head
    return heads


def _head_rows(connection: sqlite3.Connection, ids: Sequence[UUID]) -> list[Any]:
    query = f"SELECT {ASSET_COLUMNS} FROM assets WHERE id IN ({', '.join('?' * len(ids))})"
    return connection.execute(query, [asset_id.bytes for asset_id in ids]).fetchall()


def _apply(connection: sqlite3.Connection, changes: Sequence[Change], retention: Retention) -> list[CommitResult]:
    heads = _heads(connection, [change.after.id for change in changes])
    results: list[CommitResult] = []
    accepted: dict[tuple[UUID, UUID], Change] = {}
    for change in changes:
        key = asset_id, change_id = change.after.id, change.after.change_id
        head = heads.get(asset_id)
        if key in accepted or (head is not None and _is_applied(connection, asset_id, change_id)):
            results.append(CommitResult(CommitStatus.APPLIED))
        elif _follows(change, head):
            accepted[key] = change
            heads[asset_id] = change.after
            results.append(CommitResult(CommitStatus.APPLIED))
        else:
            results.append(CommitResult(CommitStatus.REFUSED, head))
    _write(connection, list(accepted.values()))
    _forget(connection, list(accepted.values()), retention)
    return results


def _is_applied(connection: sqlite3.Connection, asset_id: UUID, change_id: UUID) -> bool:
    query = "SELECT 1 FROM revisions WHERE asset_id = ? AND change_id = ?"
    return connection.execute(query, (asset_id.bytes, change_id.bytes)).fetchone() is not None


def _follows(change: Change, head: Asset | None) -> bool:
    if change.before is None or head is None:
        return change.before is None and head is None
    same_change = head.state is not State.PURGED or head.change_id == change.before.change_id
    return same_change and head.revision == change.before.revision


def _write(connection: sqlite3.Connection, changes: Sequence[Change]) -> None:
    connection.executemany(_PUT_HEAD, [asset_row(change.after) for change in changes])
    connection.executemany(
        _PUT_VERSION, [version_row(version_of(change.after)) for change in changes if change.new_version]
    )
    connection.executemany(
        "INSERT INTO revisions (asset_id, change_id, revision, kind, version, changed_ms, changed_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                change.after.id.bytes,
                change.after.change_id.bytes,
                change.after.revision,
                change.kind.value,
                change.after.version,
                change.after.updated_ms,
                change.after.updated_by,
            )
            for change in changes
        ],
    )
    connection.executemany(
        "DELETE FROM versions WHERE asset_id = ? AND version <= ?",
        [(change.after.id.bytes, change.dropped_version) for change in changes if change.dropped_version is not None],
    )
    purged = [change.after for change in changes if change.after.state is State.PURGED]
    connection.executemany("DELETE FROM versions WHERE asset_id = ?", [(asset.id.bytes,) for asset in purged])


def _forget(connection: sqlite3.Connection, changes: Sequence[Change], retention: Retention) -> None:
    derived_ms, random_ms = retention.derived_change_s * 1000, retention.random_change_s * 1000
    for after in (change.after for change in changes):
        if (last_forgotten := retention.forgotten_revision(after.revision)) is not None:
            at_ms = after.updated_ms
            connection.execute(_FORGET, (after.id.bytes, last_forgotten, at_ms - derived_ms, at_ms - random_ms))
