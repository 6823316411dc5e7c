"""What the store holds, read past the service: every asset with all its versions, and the steps that led there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from amp.adapters.cassandra.session import CassandraSession, rows_of
from amp.bootstrap import Amp
from amp.domain.assets import Asset, State, Version
from tests.support.service.load import Acknowledged

_AT_ONCE = 500
_ROWS = "SELECT row_kind, number, row_revision, kind FROM {ks}.assets WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Stored:
    head: Asset
    versions: dict[int, Version]


def stored_assets(amp: Amp) -> Iterator[Stored]:
    """Every asset there is, deleted ones too; conditions that were left unfinished are finished first."""
    position: str | None = None
    while True:
        page = amp.adapters.listing.page(type_name=None, project=None, position=position, limit=_AT_ONCE)
        heads = amp.adapters.store.heads(page.ids, settle=True)
        heads = {asset_id: head for asset_id, head in heads.items() if head.state is not State.PURGED}
        wanted = {asset_id: range(1, head.version + 1) for asset_id, head in heads.items()}
        versions = amp.adapters.store.versions(wanted) if wanted else {}
        for asset_id, head in heads.items():
            numbers = [number for number in wanted[asset_id] if (asset_id, number) in versions]
            yield Stored(head, {number: versions[asset_id, number] for number in numbers})
        if page.position is None:
            return
        position = page.position


def lost_writes(stored: Sequence[Stored], acknowledged: Sequence[Acknowledged]) -> list[str]:
    """Acknowledged writes that the store does not show."""
    by_id = {one.head.id: one for one in stored}
    lost = []
    for write in acknowledged:
        found = by_id.get(write.asset_id)
        if found is None or found.head.revision < write.revision:
            lost.append(f"{write}: the store has {found.head.revision if found else 'nothing'}")
        elif write.mark is not None:
            version = found.versions.get(write.version)
            if version is None or (version.revision, version.metadata["mark"]) != (write.revision, write.mark):
                lost.append(f"{write}: the store has {version}")
        elif write.revision == found.head.revision:
            expected = State.DELETED if write.kind == "deleted" else State.ACTIVE
            if found.head.state is not expected:
                lost.append(f"{write}: the head is {found.head.state}")
    return lost


def broken_histories(
    session: CassandraSession, stored: Sequence[Stored], acknowledged: Sequence[Acknowledged]
) -> list[str]:
    """Gaps among the revisions or versions of an asset, and acknowledged steps that are none of its revisions."""
    answers = session.run_many([(_ROWS, (one.head.id,)) for one in stored])
    kinds: dict[tuple[UUID, int], str] = {}
    broken = []
    for one, answer in zip(stored, answers, strict=True):
        rows = rows_of(answer)
        revisions = {number: kind for row_kind, number, _, kind in rows if row_kind == "revision"}
        versions = {number: revision for row_kind, number, revision, _ in rows if row_kind == "version"}
        changes = sorted(revision for row_kind, _, revision, _ in rows if row_kind == "change")
        if sorted(revisions) != list(range(1, one.head.revision + 1)):
            broken.append(f"{one.head.id} at {one.head.revision}: revisions {sorted(revisions)}")
        if changes != sorted(revisions):
            broken.append(f"{one.head.id}: changes made revisions {changes} of {sorted(revisions)}")
        made = [versions[number] for number in sorted(versions)]
        if sorted(versions) != list(range(1, one.head.version + 1)) or made != sorted(set(made)):
            broken.append(f"{one.head.id} at version {one.head.version}: versions {versions}")
        kinds |= {(one.head.id, number): kind for number, kind in revisions.items()}
    for write in acknowledged:
        if kinds.get((write.asset_id, write.revision)) != write.kind:
            broken.append(f"{write}: its revision is {kinds.get((write.asset_id, write.revision))}")
    return broken
