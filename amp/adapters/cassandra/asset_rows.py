"""Assets and versions as rows of the `assets` table, and the conditional batch that applies a change to an asset."""

from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from cassandra.query import UNSET_VALUE  # type: ignore[import-untyped]  # the driver comes without types

from amp.adapters.cassandra.session import Request
from amp.domain.assets import Asset, Change, State, Value, Version
from amp.domain.retention import Retention

HEAD_COLUMNS = (
    "id, type, type_version, project, external_id, labels, version, revision, state, created_by, "
    "updated_ms, updated_by, all_revision, head_change_id, name, metadata"
)
VERSION_COLUMNS = "id, number, row_revision, row_type_version, name, metadata, row_labels, row_ms, row_by"

_SET_HEAD = """
UPDATE {ks}.assets SET type = ?, type_version = ?, project = ?, external_id = ?, labels = ?, version = ?, revision = ?,
    state = ?, created_by = ?, updated_ms = ?, updated_by = ?, all_revision = ?, head_change_id = ?
    WHERE id = ?"""
_HEAD = f"{_SET_HEAD} IF revision = ?;"
#: `strip_request` changes a purged head without a new revision, so its `change_id` is compared too.
_PURGED_HEAD = f"{_SET_HEAD} IF revision = ? AND head_change_id = ?;"
#: The second condition of the batch: while this row exists, a change is applied once, however often it is sent.
_CHANGE = """
INSERT INTO {ks}.assets (id, row_kind, number, change_id, row_revision) VALUES (?, 'change', 0, ?, ?) IF NOT EXISTS
    USING TTL ?;"""
_REVISION = """
INSERT INTO {ks}.assets (id, row_kind, number, change_id, row_revision, row_ms, row_by, kind)
    VALUES (?, 'revision', ?, ?, ?, ?, ?, ?);"""
_VERSION = """
INSERT INTO {ks}.assets (id, row_kind, number, change_id, row_revision, row_ms, row_by, name, metadata,
    row_type_version, row_labels) VALUES (?, 'version', ?, ?, ?, ?, ?, ?, ?, ?, ?);"""
#: Each of these two range deletions covers the range of the previous one, so reads scan only one tombstone.
_DROPPED = """
DELETE FROM {ks}.assets WHERE id = ? AND row_kind = 'version' AND number <= ?;"""
_FORGOTTEN = """
DELETE FROM {ks}.assets WHERE id = ? AND row_kind = 'revision' AND number <= ?;"""
_PURGED = """
DELETE FROM {ks}.assets WHERE id = ? AND row_kind = 'version';"""
_STRIPPED = """
UPDATE {ks}.assets SET type = null, type_version = null, project = null, external_id = null, labels = null,
    version = null, created_by = null, updated_ms = null, updated_by = null, head_change_id = ?
    WHERE id = ? IF revision = ? AND head_change_id = ?;
DELETE FROM {ks}.assets WHERE id = ? AND row_kind = 'version';
DELETE FROM {ks}.assets WHERE id = ? AND row_kind = 'revision';"""
_STRIP = f"BEGIN UNLOGGED BATCH{_STRIPPED}\nAPPLY BATCH"


def step_request(change: Change, retention: Retention) -> Request:
    """Return one conditional batch on the asset's partition: its head, the revision row and other rows of the change.

    It is applied only if the head has the revision of `change.before`. This identifies the whole state, because no
    revision number is ever used twice. A purged head must also have the `change_id` of `change.before`.
    """
    before, after = change.before, change.after
    purges = after.state is State.PURGED
    # A purged asset has no content left, so a change from it needs a version row even if the version stays the same.
    adds_version = not purges and (change.new_version or (before is not None and before.state is State.PURGED))
    drops = change.dropped_version is not None
    forgotten = retention.forgotten_revision(after.revision)
    values = _head_values(before, after)
    values += (after.id, after.change_id, after.revision, retention.change_s(after.change_id))
    values += (
        after.id,
        after.revision,
        after.change_id,
        after.revision,
        after.updated_ms,
        after.updated_by,
        change.kind.value,
    )
    if adds_version:
        values += _version_values(after)
    if drops:
        values += (after.id, change.dropped_version)
    if forgotten is not None:
        values += (after.id, forgotten)
    if purges:
        values += (after.id,)
    over_purged = before is not None and before.state is State.PURGED
    return _step_cql(over_purged, adds_version, drops, forgotten is not None, purges), values


def strip_request(purged: Asset, change_id: UUID) -> Request:
    """Return a batch that removes everything from a purged asset except its revision, its state and its change rows."""
    values = (change_id, purged.id, purged.revision, purged.change_id, purged.id, purged.id)
    return _STRIP, values


@lru_cache
def _step_cql(over_purged: bool, adds_version: bool, drops: bool, forgets: bool, purges: bool) -> str:
    optional = [(adds_version, _VERSION), (drops, _DROPPED), (forgets, _FORGOTTEN), (purges, _PURGED)]
    steps = [_PURGED_HEAD if over_purged else _HEAD, _CHANGE, _REVISION, *(cql for wanted, cql in optional if wanted)]
    return f"BEGIN UNLOGGED BATCH{''.join(steps)}\nAPPLY BATCH"


def _head_values(before: Asset | None, after: Asset) -> tuple[Any, ...]:
    external_id: Any = after.external_id
    if external_id is None and (before is None or before.external_id is None):
        # A null would write a tombstone.
        external_id = UNSET_VALUE
    return (
        after.type,
        after.type_version,
        after.project,
        external_id,
        after.labels,
        after.version,
        after.revision,
        after.state.value,
        after.created_by,
        after.updated_ms,
        after.updated_by,
        after.all_revision,
        after.change_id,
        after.id,
        None if before is None else before.revision,
        *((before.change_id,) if before is not None and before.state is State.PURGED else ()),
    )


def _version_values(after: Asset) -> tuple[Any, ...]:
    return (
        after.id,
        after.version,
        after.change_id,
        after.revision,
        after.updated_ms,
        after.updated_by,
        after.name,
        orjson.dumps(dict(after.metadata)).decode(),
        after.type_version,
        after.labels,
    )


def asset_of(row: tuple[Any, ...]) -> Asset:
    """Return the asset in a row of `HEAD_COLUMNS`, without content if it is the row of a revision."""
    return Asset(
        id=row[0],
        type=row[1] or "",
        type_version=row[2] or 0,
        project=row[3] or "",
        external_id=row[4],
        labels=tuple(row[5] or ()),
        version=row[6] or 0,
        revision=row[7],
        state=State(row[8]),
        created_by=row[9] or "",
        updated_ms=row[10] or 0,
        updated_by=row[11] or "",
        all_revision=row[12],
        change_id=row[13],
        name=row[14] or "",
        metadata=_metadata_of(row[15]),
    )


def metadata_bytes(row: tuple[Any, ...]) -> int:
    """Return the approximate size of the metadata in a row of `HEAD_COLUMNS`, in bytes."""
    return len(row[15] or "")


def version_of_row(row: tuple[Any, ...]) -> Version:
    """Return the version in a row of `VERSION_COLUMNS`."""
    return Version(
        asset_id=row[0],
        version=row[1],
        revision=row[2],
        type_version=row[3],
        name=row[4],
        metadata=_metadata_of(row[5]),
        labels=tuple(row[6] or ()),
        updated_ms=row[7],
        updated_by=row[8],
    )


def _metadata_of(text: str | None) -> dict[str, Value]:
    if not text:
        return {}
    return {key: tuple(value) if type(value) is list else value for key, value in orjson.loads(text).items()}
