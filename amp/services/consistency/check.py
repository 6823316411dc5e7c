"""Checks and repairs assets. A difference between store and index counts only if it persists."""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from amp.domain.changes import DEFAULT_PROJECT
from amp.domain.chunks import ItemOutcome, ItemResult
from amp.domain.claims import Claim
from amp.domain.job_parameters import AssetJobParameters
from amp.domain.jobs import AssetJob
from amp.ports.asset_listing import AssetListing
from amp.ports.bucket_indices import IndexAccess
from amp.ports.claims import Claims
from amp.ports.clock import Clock
from amp.ports.intent_log import IntentLog
from amp.services.assets.release import NameRelease
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.consistency.compare import AssetDiff, DocumentComparison
from amp.services.indexing.handle import AssetIndexer
from amp.services.indexing.remove_documents import DocumentRemover, Removal
from amp.services.indexing.wait import IndexingWait
from amp.services.runtime.retry import Backoff, Stopped, retry_rest

_ROUNDS = 10
_OPEN_INTENTS = 10_000
#: A list entry without an asset counts from this age on, in milliseconds. By then its writer has created the asset or
#: stopped trying.
_ORPHAN_MS = 25 * 3_600_000
#: Elasticsearch remembers the version of a deleted document for a minute, in which no older one can replace it.
_FORGOTTEN_S = 90.0
_KEPT_CHANGING = "it kept changing"
_CHANGES_WAIT = "not checked: changes wait for a bucket that refuses writes"


@dataclass(frozen=True, kw_only=True)
class DifferenceConfirmation:
    """Finds the differences that live traffic does not explain. A difference is confirmed if it persists at the same
    revision after everything was indexed that could explain it: messages in the queue, open intents, and changes that a
    writer may be about to publish.
    """

    document_comparison: DocumentComparison
    intents: IntentLog
    indexed: IndexingWait
    indices: IndexAccess
    maps: BucketMaps
    clock: Clock
    grace_s: float

    def run(
        self, ids: Sequence[UUID], stop: threading.Event, projects: Collection[str] = ()
    ) -> tuple[dict[UUID, AssetDiff], Mapping[UUID, str]]:
        """Return the confirmed differences of these assets, and the assets that could not be checked, with the reason.

        :param projects: the projects whose lists are searched for ids without an asset.
        :raises Retryable: a component does not answer.
        :raises Stopped: `stop` was set first.
        """
        real: dict[UUID, AssetDiff] = {}
        suspects = self.document_comparison.differences(ids, projects=projects)
        for _ in range(_ROUNDS):
            if not suspects:
                return real, {}
            indexed = self._wait(suspects, stop)
            again = self.document_comparison.differences(list(suspects), settle=True, projects=projects)
            if not indexed:
                return real, dict.fromkeys(again, _CHANGES_WAIT)
            waiting = {intent.message.asset_id for intent in self.intents.due(self.clock.now_ms(), _OPEN_INTENTS)}
            later: dict[UUID, AssetDiff] = {}
            for asset_id, difference in again.items():
                if asset_id in waiting or difference.revision != suspects[asset_id].revision:
                    later[asset_id] = difference
                elif lasting := self._lasting(difference, suspects[asset_id]):
                    real[asset_id] = lasting
            suspects = later
        return real, dict.fromkeys(suspects, _KEPT_CHANGING)

    def _wait(self, suspects: Mapping[UUID, AssetDiff], stop: threading.Event) -> bool:
        """Wait until the relay and the index workers have processed the youngest of these intents. Return False if
        changes wait for a bucket that refuses writes; it is unknown to which assets they belong.
        """
        youngest_ms = max(difference.updated_ms for difference in suspects.values())
        left_s = self.grace_s + 2.0 - (self.clock.now_ms() - youngest_ms) / 1000
        if left_s > 0 and stop.wait(min(left_s, self.grace_s + 2.0)):
            raise Stopped
        indexed = self.indexed.wait(stop)
        self.indices.refresh([bucket.index for bucket in self.maps.current().buckets])
        return indexed

    def _lasting(self, difference: AssetDiff, before: AssetDiff) -> AssetDiff | None:
        """Return only the differences that both comparisons found, without list entries of assets that may just be
        created.
        """
        oldest_ms = self.clock.now_ms() - _ORPHAN_MS
        young = {orphan.list for orphan in difference.orphans if orphan.written_ms > oldest_ms}
        seen = set(before.faults)
        difference.faults = [
            (fault, what) for fault, what in difference.faults if (fault, what) in seen and what not in young
        ]
        difference.orphans = [orphan for orphan in difference.orphans if orphan.list not in young]
        return difference if difference.faults else None


@dataclass(frozen=True, kw_only=True)
class AssetCheck:
    """A `Processor` that reports differences."""

    changes = False
    selects_mismatches = True

    confirmation: DifferenceConfirmation

    def check(self, parameters: AssetJobParameters) -> None:
        pass

    def process(self, job: AssetJob, ids: Sequence[UUID], stop: threading.Event) -> Mapping[UUID, ItemResult]:
        real, unclear = self.confirmation.run(ids, stop, _projects(job))
        return _results(ids, real, unclear)


@dataclass(frozen=True, kw_only=True)
class AssetRepair:
    """A `Processor` that repairs differences, and nothing else, from the store."""

    changes = True
    selects_mismatches = True

    confirmation: DifferenceConfirmation
    document_comparison: DocumentComparison
    indexer: AssetIndexer
    document_remover: DocumentRemover
    indices: IndexAccess
    listing: AssetListing
    claims: Claims
    name_release: NameRelease
    maps: BucketMaps
    clock: Clock

    def check(self, parameters: AssetJobParameters) -> None:
        pass

    def process(self, job: AssetJob, ids: Sequence[UUID], stop: threading.Event) -> Mapping[UUID, ItemResult]:
        real, unclear = self.confirmation.run(ids, stop, _projects(job))
        results = _results(ids, real, unclear)
        if job.dry_run:
            return results
        left = self._repair(real, stop, _projects(job))
        for asset_id, difference in real.items():
            still = left.get(asset_id)
            results[asset_id] = (
                ItemResult(ItemOutcome.CHANGED, difference.description)
                if still is None
                else ItemResult(ItemOutcome.FAILED, f"not repaired: {still}")
            )
        return results

    def _repair(
        self, real: Mapping[UUID, AssetDiff], stop: threading.Event, projects: Collection[str]
    ) -> Mapping[UUID, str]:
        """Repair these differences. Return a description of those that remain, by asset."""
        left = dict(real)
        rejected: dict[UUID, str] = {}
        deadline_s = self.clock.monotonic_s() + _FORGOTTEN_S

        def repair(ids: Sequence[UUID]) -> Sequence[UUID]:
            refused, rejected_now = self._repair_once({id_: left[id_] for id_ in ids}, stop)
            rejected.update(rejected_now)
            self.indices.refresh([bucket.index for bucket in self.maps.current().buckets])
            now = self.document_comparison.differences(ids, projects=projects)
            for id_ in ids:
                # Differences that are newer belong to live traffic.
                if id_ in now and now[id_].revision == left[id_].revision:
                    left[id_] = now[id_]
                else:
                    del left[id_]
            again = [id_ for id_ in ids if id_ in left and id_ not in refused and id_ not in rejected]
            return again if self.clock.monotonic_s() <= deadline_s else ()

        retry_rest(repair, list(left), stop, Backoff(first_s=0.1))
        return {
            id_: f"{difference.description} (the index rejects it: {rejected[id_]})"
            if id_ in rejected
            else difference.description
            for id_, difference in left.items()
        }

    def _repair_once(
        self, differences: Mapping[UUID, AssetDiff], stop: threading.Event
    ) -> tuple[Collection[UUID], Mapping[UUID, str]]:
        """Remove documents. Return the assets whose bucket refuses writes, and those that the index rejects, with the
        reason.
        """
        # Each at the revision that was found, so that newer documents of live traffic stay.
        extra = [Removal(document, index) for d in differences.values() for index, document in d.extra]
        remaining = self.document_remover.remove(extra, stop)
        stored = [asset_id for asset_id, d in differences.items() if d.head is not None]
        indexed = self.indexer.index_all(stored, stop)
        self.listing.add([d.head for d in differences.values() if d.head is not None and d.unlisted])
        self.listing.drop([orphan for d in differences.values() for orphan in d.orphans])
        self._claim_names([claim for d in differences.values() for claim in d.unclaimed])
        self.name_release.release([claim for d in differences.values() for claim in d.misleading])
        return {*indexed.refused, *remaining.left}, {**indexed.rejected, **remaining.rejected}

    def _claim_names(self, wanted: Sequence[Claim]) -> None:
        """Claim names again. A name that another asset also has remains a difference, because it is unknown which asset
        should have it.
        """
        pairs = zip(wanted, self.claims.claim(wanted), strict=True)
        self.name_release.release([holder for claim, holder in pairs if holder.holder_id != claim.holder_id])


def _results(
    ids: Sequence[UUID], real: Mapping[UUID, AssetDiff], unclear: Mapping[UUID, str]
) -> dict[UUID, ItemResult]:
    return {
        asset_id: ItemResult(ItemOutcome.FOUND, real[asset_id].description)
        if asset_id in real
        else ItemResult(ItemOutcome.SKIPPED, unclear[asset_id])
        if asset_id in unclear
        else ItemResult(ItemOutcome.DONE)
        for asset_id in ids
    }


def _projects(job: AssetJob) -> tuple[str]:
    """Return the projects whose lists are searched for ids without an asset. The names of all projects are unknown."""
    return (job.parameters.selector.project or DEFAULT_PROJECT,)
