"""Converts assets and their versions to rows of the store and back."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from amp.domain.assets import Asset, State, Value, Version

Row = tuple[Any, ...]

ASSET_COLUMNS = (
    "id, created_ms, type, type_version, project, external_id, name, metadata, labels, version, revision, state, "
    "created_by, updated_ms, updated_by, all_revision, change_id"
)
VERSION_COLUMNS = "asset_id, version, revision, type_version, name, metadata, labels, updated_ms, updated_by"


def asset_row(asset: Asset) -> Row:
    return (
        asset.id.bytes,
        asset.created_ms,
        asset.type,
        asset.type_version,
        asset.project,
        asset.external_id,
        asset.name,
        orjson.dumps(asset.metadata),
        orjson.dumps(asset.labels),
        asset.version,
        asset.revision,
        asset.state.value,
        asset.created_by,
        asset.updated_ms,
        asset.updated_by,
        asset.all_revision,
        asset.change_id.bytes,
    )


def asset_from_row(row: Row) -> Asset:
    return Asset(
        id=UUID(bytes=row[0]),
        type=row[2],
        type_version=row[3],
        project=row[4],
        external_id=row[5],
        name=row[6],
        metadata=_metadata(row[7]),
        labels=tuple(orjson.loads(row[8])),
        version=row[9],
        revision=row[10],
        state=State(row[11]),
        created_by=row[12],
        updated_ms=row[13],
        updated_by=row[14],
        all_revision=row[15],
        change_id=UUID(bytes=row[16]),
    )


def metadata_bytes(row: Row) -> int:
    """Return the size of the metadata in a row of `ASSET_COLUMNS`, in bytes."""
    return len(row[7])


def version_row(version: Version) -> Row:
    return (
        version.asset_id.bytes,
        version.version,
        version.revision,
        version.type_version,
        version.name,
        orjson.dumps(version.metadata),
        orjson.dumps(version.labels),
        version.updated_ms,
        version.updated_by,
    )


def version_from_row(row: Row) -> Version:
    return Version(
        asset_id=UUID(bytes=row[0]),
        version=row[1],
        revision=row[2],
        type_version=row[3],
        name=row[4],
        metadata=_metadata(row[5]),
        labels=tuple(orjson.loads(row[6])),
        updated_ms=row[7],
        updated_by=row[8],
    )


def _metadata(json: bytes) -> Mapping[str, Value]:
    """Return the metadata with tuples in place of lists: JSON has no tuples, and multiple values are a tuple."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in orjson.loads(json).items()}
