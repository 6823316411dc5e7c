"""Assets: each has an identity, versions of typed content, and a head whose revision counts every change."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from amp.domain.ids import created_ms
from amp.domain.times import format_ms

Scalar = str | int | float | bool
#: A metadata value in canonical JSON form: dates are `2026-11-21T12:00:00.000Z`, longs `int`, doubles `float`.
Value = Scalar | tuple[Scalar, ...]


class State(StrEnum):
    ACTIVE = "active"
    DELETED = "deleted"
    PURGED = "purged"  #: only the revision remains, so that a later asset with the same id continues from it


class Scope(StrEnum):
    """The search documents that a change affects."""

    HEAD = "head"  #: the head document and, if there is one, the document of the version it supersedes
    ALL = "all"  #: every document of the asset


class ChangeKind(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    LABELLED = "labelled"  #: only the labels changed: a new revision of the same version
    DELETED = "deleted"
    RESTORED = "restored"
    PURGED = "purged"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """An asset at one revision: its head together with the content of its current version."""

    id: UUID
    type: str
    type_version: int  #: the version of the type against which the content was validated
    project: str
    external_id: str | None
    name: str
    metadata: Mapping[str, Value]
    labels: tuple[str, ...]  #: sorted, without duplicates
    version: int  #: counts the versions of the content, from 1
    revision: int  #: counts every change, from 1; the external version of the asset's search documents
    state: State
    created_by: str
    updated_ms: int
    updated_by: str
    #: The last revision that changed what every document contains (state, rights); no document may be older than this.
    all_revision: int
    change_id: UUID  #: id of the change that created this revision

    @property
    def created_ms(self) -> int:
        return created_ms(self.id)

    @property
    def is_stripped(self) -> bool:
        """Return whether it was purged and nothing is left that says what it was."""
        return self.state is State.PURGED and not self.type

    def superseded(self, versions_kept: int) -> range:
        """Return the versions before the current one that are kept if `versions_kept` are kept in total."""
        return range(max(1, self.version - versions_kept + 1), self.version)


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """An asset's content at the time when the version was created. Immutable."""

    asset_id: UUID
    version: int
    revision: int  #: the revision that created this version
    type_version: int
    name: str
    metadata: Mapping[str, Value]
    labels: tuple[str, ...]
    updated_ms: int
    updated_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One step of an asset, from the head it was computed from to the next."""

    kind: ChangeKind
    before: Asset | None  #: None: the asset must not exist
    after: Asset  #: at revision `before.revision + 1`; has the `change_id`, principal and time of the change
    #: The newest version that is dropped with this change, together with all older ones, because more versions exist
    #: than are kept. None: no version is dropped.
    dropped_version: int | None = None

    @property
    def scope(self) -> Scope:
        changes_all = self.kind in (ChangeKind.DELETED, ChangeKind.RESTORED, ChangeKind.PURGED)
        # For a purged asset, the index holds tombstones of every earlier version, at lower revisions.
        return Scope.ALL if changes_all or (self.before and self.before.state is State.PURGED) else Scope.HEAD

    @property
    def new_version(self) -> bool:
        # A purge removes the versions with everything else, so the numbers start again.
        if self.before is None or self.before.state is State.PURGED:
            return True
        return self.after.version != self.before.version


def version_of(asset: Asset) -> Version:
    """Return the asset's current content as a version that this revision created."""
    return Version(
        asset_id=asset.id,
        version=asset.version,
        revision=asset.revision,
        type_version=asset.type_version,
        name=asset.name,
        metadata=asset.metadata,
        labels=asset.labels,
        updated_ms=asset.updated_ms,
        updated_by=asset.updated_by,
    )


def content_bytes(asset: Asset | Version) -> int:
    """Return the approximate size of the content's JSON."""
    values = sum(len(key) + _value_chars(value) for key, value in asset.metadata.items())
    return len(asset.name) + sum(map(len, asset.labels)) + values


def _value_chars(value: Value) -> int:
    if isinstance(value, str):
        return len(value)
    return sum(map(_value_chars, value)) if isinstance(value, tuple) else 8


def asset_json(asset: Asset) -> dict[str, Any]:
    """Return the asset in the JSON form of the API."""
    return {
        "id": str(asset.id),
        "external_id": asset.external_id,
        "type": asset.type,
        "type_version": asset.type_version,
        "name": asset.name,
        "project": asset.project,
        "metadata": dict(asset.metadata),
        "labels": list(asset.labels),
        "version": asset.version,
        "revision": asset.revision,
        "state": asset.state.value,
        "created_at": format_ms(asset.created_ms),
        "created_by": asset.created_by,
        "updated_at": format_ms(asset.updated_ms),
        "updated_by": asset.updated_by,
    }


def version_json(asset: Asset, version: Version) -> dict[str, Any]:
    """Return the asset with the content of `version` and its present state, in the JSON form of the API."""
    return asset_json(asset) | {
        "type_version": version.type_version,
        "name": version.name,
        "metadata": dict(version.metadata),
        "labels": list(version.labels),
        "version": version.version,
        "revision": version.revision,
        "updated_at": format_ms(version.updated_ms),
        "updated_by": version.updated_by,
    }
