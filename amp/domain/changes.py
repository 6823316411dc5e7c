"""Pure functions that compute the next revision of an asset. Each returns the change to commit, or None."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from amp.domain.assets import Asset, Change, ChangeKind, State, Value

DEFAULT_PROJECT = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """An asset that a client asks to create, not validated yet."""

    type: str
    id: UUID | None = None
    created_ms: int | None = None  #: the original creation time, for which an id is generated
    external_id: str | None = None
    project: str = DEFAULT_PROJECT
    name: str = ""
    metadata: Mapping[str, Any]
    labels: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """Who makes a change, when, and the unique id of the change."""

    principal: str
    at_ms: int
    change_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """Valid content in canonical form."""

    name: str
    metadata: Mapping[str, Value]
    labels: tuple[str, ...]
    type_version: int


def creation(draft: Draft, asset_id: UUID, content: Content, stamp: Stamp, purged: Asset | None = None) -> Change:
    """Return the change that creates an asset, at revision 1 or, for a purged asset, at the revision after its last."""
    revision = purged.revision + 1 if purged else 1
    asset = Asset(
        id=asset_id,
        type=draft.type,
        type_version=content.type_version,
        project=draft.project,
        external_id=draft.external_id,
        name=content.name,
        metadata=content.metadata,
        labels=content.labels,
        version=1,
        revision=revision,
        state=State.ACTIVE,
        created_by=stamp.principal,
        updated_ms=stamp.at_ms,
        updated_by=stamp.principal,
        all_revision=revision,
        change_id=stamp.change_id,
    )
    return Change(kind=ChangeKind.CREATED, before=purged, after=asset)


def replacement(before: Asset, content: Content, stamp: Stamp, versions_kept: int) -> Change | None:
    """Return the change that replaces content, labels or both; None if nothing changes. New labels alone do not create
    a version.
    """
    same_content = content.name == before.name and content.metadata == before.metadata
    if same_content and content.labels == before.labels:
        return None
    if same_content:
        after = _stamped(before, stamp, labels=content.labels)
        return Change(kind=ChangeKind.LABELLED, before=before, after=after)
    return _new_version(before, content, stamp, versions_kept)


def migration(before: Asset, content: Content, stamp: Stamp, versions_kept: int) -> Change | None:
    """Return the change that creates a version of the asset under another version of its type, even if the content does
    not change; None if the asset has that version of the type already.
    """
    if content.type_version == before.type_version:
        return None
    return _new_version(before, content, stamp, versions_kept)


def purging(before: Asset, stamp: Stamp) -> Change:
    """Return the change that purges an asset. Only the revision remains, so that a later asset with the same id
    continues from it.
    """
    after = _stamped(
        before, stamp, state=State.PURGED, name="", metadata={}, labels=(), all_revision=before.revision + 1
    )
    return Change(kind=ChangeKind.PURGED, before=before, after=after)


def stripped(purged: Asset, change_id: UUID) -> Asset:
    """Return what remains of a purged asset once everything that refers to it is removed."""
    return replace(
        purged,
        type="",
        type_version=0,
        project="",
        external_id=None,
        version=0,
        created_by="",
        updated_ms=0,
        updated_by="",
        change_id=change_id,
    )


def _new_version(before: Asset, content: Content, stamp: Stamp, versions_kept: int) -> Change:
    after = _stamped(
        before,
        stamp,
        name=content.name,
        metadata=content.metadata,
        labels=content.labels,
        type_version=content.type_version,
        version=before.version + 1,
    )
    oldest = after.version - versions_kept
    return Change(kind=ChangeKind.UPDATED, before=before, after=after, dropped_version=oldest if oldest >= 1 else None)


def deletion(before: Asset, stamp: Stamp) -> Change | None:
    """Return the change that deletes an asset; None if it is deleted already."""
    return _to_state(before, State.DELETED, ChangeKind.DELETED, stamp)


def restoration(before: Asset, stamp: Stamp) -> Change | None:
    """Return the change that restores an asset; None if it is active already."""
    return _to_state(before, State.ACTIVE, ChangeKind.RESTORED, stamp)


def _to_state(before: Asset, state: State, kind: ChangeKind, stamp: Stamp) -> Change | None:
    if before.state is state:
        return None
    after = _stamped(before, stamp, state=state, all_revision=before.revision + 1)
    return Change(kind=kind, before=before, after=after)


def _stamped(before: Asset, stamp: Stamp, **fields: Any) -> Asset:
    return replace(
        before,
        revision=before.revision + 1,
        updated_ms=stamp.at_ms,
        updated_by=stamp.principal,
        change_id=stamp.change_id,
        **fields,
    )
