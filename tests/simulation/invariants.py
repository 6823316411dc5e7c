"""What must hold after every step, for every search, and once all is quiescent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from amp.domain.assets import State
from amp.domain.jobs import JobState
from amp.domain.moves import Phase
from tests.support.simulated.cluster import SimulatedCluster, Stored
from tests.support.simulated.store_twins import SimulatedJobLog, SimulatedRegistry, SimulatedStore
from tests.support.simulated.violations import Seen, Untidy, Violation

#: What the job of a move says that ended in that phase.
_ENDS = {
    Phase.SWITCHED: {JobState.COMPLETED},
    Phase.CANCELLED: {JobState.CANCELLED, JobState.FAILED},
}


class Invariants:
    def __init__(
        self, cluster: SimulatedCluster, store: SimulatedStore, registry: SimulatedRegistry, jobs: SimulatedJobLog
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._registry = registry
        self._jobs = jobs
        #: The revision of each asset that searches have shown last, that of its deletion once they no longer show it.
        self.shown: dict[str, int] = {}
        #: What a search finds now.
        self.found: dict[str, int] = {}
        #: How often assets have come and gone.
        self.absences: Counter[str] = Counter()

    def after_step(self) -> None:
        """As a search would find it that took no time."""
        if self._cluster.changed:
            self._cluster.changed = False
            before, self.found = self.found, _revisions(self._cluster.heads(self._cluster.read.values()))
            self.shown = self.checked("now", self.found, self.shown)
            if before.keys() != self.found.keys():
                self.absences.update(before.keys() - self.found.keys())

    def checked(self, who: str, found: dict[str, int], shown: dict[str, int]) -> dict[str, int]:
        """What searches have shown, this one included, that began when they had shown `shown`.

        :raises Seen: it missed an asset, or went back in time.
        """
        after = dict(found)
        for asset_id, before in shown.items():
            revision = found.get(asset_id)
            if revision is None:
                after[asset_id] = self._deletion_since(who, asset_id, before)
            elif revision < before:
                raise Seen(f"{who}: {asset_id} is shown at revision {revision} after {before}")
        for asset_id, revision in found.items():
            if revision in self._store.deletions[UUID(asset_id)]:
                raise Seen(f"{who}: {asset_id} is shown at revision {revision}, at which it was deleted")
        return after

    def _deletion_since(self, who: str, asset_id: str, before: int) -> int:
        for revision in self._store.deletions[UUID(asset_id)]:
            if revision >= before:
                return revision
        raise Seen(f"{who}: {asset_id} is missing; it was shown at revision {before}")

    def at_quiescence(self) -> None:
        """The index equals the store, each bucket holds what is its own, and nothing is left of any move."""
        for index in self._cluster.indices.values():
            self._cluster.refresh(index)
        self.after_step()
        self._equals_store()
        self._is_tidy()

    def _is_tidy(self) -> None:
        bucket_map = self._registry.now
        for position, bucket in enumerate(bucket_map.buckets):
            index, read = self._cluster.indices.get(bucket.index), self._cluster.read.get(bucket.index)
            if index is None or read is None or index.loading or index.blocked:
                raise Untidy(f"quiescent: bucket {bucket.index} is not as it should be: {index} {read}")
            if index.aliases != {bucket.write_alias}:
                raise Untidy(f"quiescent: {bucket.index} answers to {sorted(index.aliases)}, not {bucket.write_alias}")
            if (read.start_ms, read.end_ms) != (bucket.start_s * 1000, bucket_map.end_ms(position)):
                raise Untidy(f"quiescent: searches see {read} of {bucket}")
            for stored in index.visible.values():
                if bucket_map.bucket_at(stored.created_ms) is not bucket:
                    raise Violation(f"quiescent: {stored.doc_id}, of another bucket, is left in {bucket.index}")
        if self._cluster.read.keys() != {bucket.index for bucket in bucket_map.buckets}:
            raise Untidy(f"quiescent: searches see {sorted(self._cluster.read)}")
        for move in self._registry.ended.values():
            state = self._jobs.jobs[move.id].state
            if state not in _ENDS[move.phase]:
                raise Untidy(f"quiescent: the job of a move that ended as {move.phase} says {state}")

    def _equals_store(self) -> None:
        bucket_map = self._registry.now
        for asset in self._store.assets.values():
            docs = self._cluster.indices[bucket_map.bucket_at(asset.created_ms).index].visible
            head = docs.get(str(asset.id))
            if head is None or head.revision != asset.revision:
                raise Violation(f"quiescent: {asset.id} is indexed at {head and head.revision}, not {asset.revision}")
            if not asset.name:
                raise Violation(f"quiescent: {asset.id} has lost its content")
            if head.body["deleted"] is not (asset.state is State.DELETED):
                raise Violation(f"quiescent: {asset.id} is {asset.state}, unlike its document")
            if asset.version > 1:
                self._superseded(docs.get(f"{asset.id}:{asset.version - 1}"), asset.all_revision, asset.revision)

    def _superseded(self, document: Stored | None, oldest: int, newest: int) -> None:
        if document is None or not oldest <= document.revision <= newest:
            raise Violation(f"quiescent: superseded {document}, of a revision between {oldest} and {newest}")


def _revisions(found: Iterable[Stored]) -> dict[str, int]:
    """:raises Seen: an asset is found twice."""
    revisions: dict[str, int] = {}
    for stored in found:
        if stored.asset_id in revisions:
            raise Seen(f"{stored.asset_id} is found twice")
        revisions[stored.asset_id] = stored.revision
    return revisions
