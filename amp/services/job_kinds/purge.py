"""Removes deleted assets permanently once their retention has passed."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from amp.domain.assets import Asset, Change, State
from amp.domain.changes import Stamp, purging
from amp.domain.chunks import ItemOutcome, ItemResult
from amp.domain.claims import Claim
from amp.domain.documents import Position, head_doc_id, superseded_doc_id
from amp.domain.job_parameters import AssetJobParameters, PurgeOptions
from amp.domain.jobs import AssetJob
from amp.errors import Unprocessable
from amp.ports.asset_listing import AssetListing
from amp.ports.asset_store import AssetStore
from amp.ports.bucket_documents import RawDocument
from amp.ports.claims import Claims
from amp.services.assets.release import NameRelease, external_key, is_external
from amp.services.indexing.remove_documents import DocumentRemover, Removal, RemovalResult
from amp.services.job_kinds.bulk_changes import BulkChanges


@dataclass(frozen=True, kw_only=True)
class AssetPurge:
    """A `Processor`. It purges the asset in the store first: from then on no documents of the asset are built, so those
    that are removed afterwards do not reappear. What remains after a kill is removed when the item is delivered again.
    """

    changes = True
    selects_mismatches = False

    bulk_changes: BulkChanges
    store: AssetStore
    listing: AssetListing
    claims: Claims
    name_release: NameRelease
    document_remover: DocumentRemover
    retention_s: float
    versions_kept: int

    def check(self, parameters: AssetJobParameters) -> None:
        if parameters.selector.query is not None:
            detail = "a search finds no deleted assets; use all, type, project, created or ids"
            raise Unprocessable.at("/selector/query", detail)

    def process(self, job: AssetJob, ids: Sequence[UUID], stop: threading.Event) -> Mapping[UUID, ItemResult]:
        given_s = job.parameters.options_as(PurgeOptions).retention_s
        retention_s = self.retention_s if given_s is None else given_s

        def step(before: Asset, stamp: Stamp) -> Change | str | None:
            if before.state is not State.DELETED:
                return "it is not deleted"
            if stamp.at_ms - before.updated_ms < retention_s * 1000:
                return "it was deleted too recently"
            return purging(before, stamp)

        if job.dry_run:
            return self.bulk_changes.run(job, ids, step)
        ids = self.document_remover.without_refused(ids)
        results = self.bulk_changes.run(job, ids, step)
        if results:
            changed = {id_ for id_, result in results.items() if result.outcome is ItemOutcome.CHANGED}
            found = self.store.heads(ids)
            heads = [head for head in found.values() if head.state is State.PURGED]
            # The asset may have been stripped or created again since. Its former documents exist all the same.
            gone = [head for head in heads if head.id in changed or not head.is_stripped]
            again = [found[id_] for id_ in changed if id_ in found and found[id_].state is not State.PURGED]
            remaining = self.document_remover.remove(_removals([*gone, *self._former(again)]), stop)
            results = _rid_of(results, remaining)
            unfinished = {*remaining.left, *remaining.rejected}
            self._clean([head for head in heads if not head.is_stripped and head.id not in unfinished])
        return results

    def _former(self, made_again: Sequence[Asset]) -> list[Asset]:
        """Return the assets that were created again, each in the state in which the earlier purge left it. Documents of
        the new asset are not older than its first version, or than the first version that is kept.
        """
        kept = {asset.id: {1, asset.superseded(self.versions_kept).start} for asset in made_again}
        versions = self.store.versions(kept) if kept else {}
        revisions: dict[UUID, int] = {}
        for (asset_id, _), version in versions.items():
            revisions[asset_id] = min(version.revision, revisions.get(asset_id, version.revision))
        return [
            replace(asset, state=State.PURGED, type="", revision=revisions[asset.id] - 1)
            for asset in made_again
            if asset.id in revisions
        ]

    def _clean(self, purged: Sequence[Asset]) -> None:
        """Remove list entries and names of these assets, and then their remaining data. After a kill in between, enough
        is left to repeat it."""
        self.listing.remove(purged)
        self.name_release.release(self._released_claims(purged))
        heads = self.store.heads([asset.id for asset in purged])
        self.store.strip([head for head in heads.values() if head.state is State.PURGED and not head.is_stripped])

    def _released_claims(self, purged: Sequence[Asset]) -> list[Claim]:
        """Release the idempotency keys of these assets, and return their claims of external ids."""
        held = {(claim.scope, claim.key): claim for claim in self.claims.of_assets([asset.id for asset in purged])}
        names = [external_key(asset.project, asset.external_id) for asset in purged if asset.external_id is not None]
        ids = {asset.id for asset in purged}
        for holder in self.claims.holders(names):
            if holder is not None and holder.holder_id in ids:
                held[holder.scope, holder.key] = holder
        for claim in held.values():
            if not is_external(claim):
                self.claims.release(claim)
        return [claim for claim in held.values() if is_external(claim)]


def _rid_of(results: Mapping[UUID, ItemResult], remaining: RemovalResult) -> dict[UUID, ItemResult]:
    """Return the results, without the assets that are tried again. An asset whose documents could not be removed has
    failed.
    """
    failed = {
        asset_id: ItemResult(ItemOutcome.FAILED, f"not removed from the index: {reason}")
        for asset_id, reason in remaining.rejected.items()
    }
    return {
        asset_id: failed.get(asset_id, result) for asset_id, result in results.items() if asset_id not in remaining.left
    }


def _removals(purged: Sequence[Asset]) -> Iterator[Removal]:
    """Return removals of all documents that may exist: one for each version, or its tombstone."""
    for asset in purged:
        yield _removal(asset, head_doc_id(asset.id))
        # Only the revision of a stripped asset is known. No version was higher.
        for version in range(1, asset.revision if asset.is_stripped else asset.version):
            yield _removal(asset, superseded_doc_id(asset.id, version))


def _removal(asset: Asset, doc_id: str) -> Removal:
    return Removal(RawDocument(Position(asset.created_ms, doc_id, asset.version, asset.revision)))
