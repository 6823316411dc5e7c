"""Removes deleted assets for good, once they have been deleted for long enough."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any
from uuid import UUID

from amp.domain.assets import Asset, Change, State
from amp.domain.buckets import index_of
from amp.domain.changes import Stamp, purging
from amp.domain.chunks import Outcome, Result
from amp.domain.documents import head_doc_id, superseded_doc_id
from amp.domain.jobs import Job
from amp.domain.selectors import Selector
from amp.errors import Fault, Unprocessable
from amp.ports.asset_listing import AssetListing
from amp.ports.asset_store import AssetStore
from amp.ports.bucket_documents import BucketDocuments, Position, RawDocument
from amp.ports.claims import Claim, Claims
from amp.ports.clock import Clock
from amp.ports.search_index import Written
from amp.services.bucket_maps import BucketMaps
from amp.services.change_in_jobs import ChangeInJobs
from amp.services.refusing_buckets import RefusingBuckets
from amp.services.release_names import ReleaseNames, external_key, is_external
from amp.services.runtime.retry import Backoff, retry_rest

#: Documents that cannot be removed for so long are removed later, so that they hold up nothing else.
_PATIENCE_S = 30.0
#: One asset may have had any number of versions.
_DOCUMENTS_AT_ONCE = 1_000


class PurgeAssets:
    """A `Processor`. The store goes first: from then on nobody makes documents of the asset, so those that are removed
    after stay away. Whatever a death leaves behind goes when the event comes again.
    """

    changes = True
    only_suspects = False
    takes = frozenset({"retention_s"})

    def __init__(
        self,
        changer: ChangeInJobs,
        store: AssetStore,
        listing: AssetListing,
        claims: Claims,
        releaser: ReleaseNames,
        documents: BucketDocuments,
        maps: BucketMaps,
        refusing: RefusingBuckets,
        clock: Clock,
        *,
        retention_s: float,
        versions_kept: int,
    ) -> None:
        self._changer = changer
        self._store = store
        self._listing = listing
        self._claims = claims
        self._releaser = releaser
        self._documents = documents
        self._maps = maps
        self._refusing = refusing
        self._clock = clock
        self._retention_s = retention_s
        self._versions_kept = versions_kept

    def check(self, selector: Selector, parameters: Mapping[str, Any]) -> None:  # noqa: ARG002
        if selector.query is not None:
            detail = "a search finds no deleted assets; select them otherwise"
            raise Unprocessable(detail, [Fault("/selector/query", detail)])

    def process(self, job: Job, ids: Sequence[UUID], stop: threading.Event) -> Mapping[UUID, Result]:
        retention_s = job.parameters.get("retention_s", self._retention_s)

        def step(before: Asset, stamp: Stamp) -> Change | str | None:
            if before.state is not State.DELETED:
                return "it is not deleted"
            if stamp.at_ms - before.updated_ms < retention_s * 1000:
                return "it was deleted too lately"
            return purging(before, stamp)

        if job.parameters["dry_run"]:
            return self._changer.run(job, ids, step)
        ids = self._taken(ids)
        results = self._changer.run(job, ids, step)
        if results:
            changed = {id_ for id_, result in results.items() if result.outcome is Outcome.CHANGED}
            found = self._store.heads(ids)
            heads = [head for head in found.values() if head.state is State.PURGED]
            # Others may have stripped an asset since, or made it again; its documents of before are there all the same.
            gone = [head for head in heads if head.id in changed or not head.is_stripped]
            again = [found[id_] for id_ in changed if id_ in found and found[id_].state is not State.PURGED]
            left = self._remove_documents([*gone, *self._former(again)], stop)
            self._clean([head for head in heads if not head.is_stripped and head.id not in left])
            results = {asset_id: result for asset_id, result in results.items() if asset_id not in left}
        return results

    def _taken(self, ids: Sequence[UUID]) -> Sequence[UUID]:
        """Those of which no bucket refuses writes, as far as is known."""
        bucket_map = self._maps.current()
        return [asset_id for asset_id in ids if not self._refusing.refuses_any(bucket_map, asset_id)]

    def _former(self, made_again: Sequence[Asset]) -> list[Asset]:
        """Assets that were made again, as the purge before left them, or later: no document of the present life is
        older than its first version, or than the first that is kept."""
        kept = {asset.id: {1, max(1, asset.version - self._versions_kept + 1)} for asset in made_again}
        versions = self._store.versions(kept) if kept else {}
        revisions: dict[UUID, int] = {}
        for (asset_id, _), version in versions.items():
            revisions[asset_id] = min(version.revision, revisions.get(asset_id, version.revision))
        return [
            replace(asset, state=State.PURGED, type="", revision=revisions[asset.id] - 1)
            for asset in made_again
            if asset.id in revisions
        ]

    def _clean(self, purged: Sequence[Asset]) -> None:
        """Removes all else that is named after these assets, and then the names: a death in between leaves enough to do
        it again."""
        self._listing.remove(purged)
        self._releaser.release(self._released_claims(purged))
        heads = self._store.heads([asset.id for asset in purged])
        self._store.strip([head for head in heads.values() if head.state is State.PURGED and not head.is_stripped])

    def _released_claims(self, purged: Sequence[Asset]) -> list[Claim]:
        """The claims of external ids that these assets hold; those of idempotency keys are released."""
        held = {(claim.scope, claim.key): claim for claim in self._claims.of_assets([asset.id for asset in purged])}
        names = [external_key(asset.project, asset.external_id) for asset in purged if asset.external_id is not None]
        ids = {asset.id for asset in purged}
        for holder in self._claims.holders(names):
            if holder is not None and holder.asset_id in ids:
                held[holder.scope, holder.key] = holder
        for claim in held.values():
            if not is_external(claim):
                self._claims.release(claim)
        return [claim for claim in held.values() if is_external(claim)]

    def _remove_documents(self, purged: Sequence[Asset], stop: threading.Event) -> Collection[UUID]:
        """The assets of which documents are left, as a bucket refuses writes or does not answer."""
        left: set[UUID] = set()
        patient_until_s = self._clock.monotonic_s() + _PATIENCE_S

        def remove(documents: Sequence[tuple[Asset, RawDocument]]) -> Sequence[tuple[Asset, RawDocument]]:
            again = self._remove_once(documents)
            bucket_map, is_patient = self._maps.current(), self._clock.monotonic_s() < patient_until_s
            waiting = {asset.id for asset, _ in again}
            left.update(id_ for id_ in waiting if not is_patient or self._refusing.refuses_any(bucket_map, id_))
            return [pair for pair in again if pair[0].id not in left]

        documents = ((asset, document) for asset in purged for document in _documents_of(asset) if asset.id not in left)
        while some := list(islice(documents, _DOCUMENTS_AT_ONCE)):
            retry_rest(remove, some, stop, Backoff(max_s=2.0))
        return left

    def _remove_once(self, documents: Sequence[tuple[Asset, RawDocument]]) -> list[tuple[Asset, RawDocument]]:
        """Those to be removed again, by a newer map."""
        by_alias: dict[str, list[tuple[Asset, RawDocument]]] = {}
        bucket_map = self._maps.current()
        for asset, document in documents:
            for alias in bucket_map.write_aliases(asset.created_ms):
                by_alias.setdefault(alias, []).append((asset, document))
        again: dict[str, tuple[Asset, RawDocument]] = {}
        for alias, pairs in by_alias.items():
            results = self._documents.delete(alias, [document for _, document in pairs])
            self._refusing.note((index_of(alias), result) for result in results)
            for pair, result in zip(pairs, results, strict=True):
                if result.written in (Written.STALE, Written.BUSY):
                    again[pair[1].doc_id] = pair
        if again:
            self._maps.refresh()
        return list(again.values())


def _documents_of(asset: Asset) -> Iterator[RawDocument]:
    """All that there may be: of each version a document, or the tombstone that it left when it was dropped."""
    yield _document(asset, head_doc_id(asset.id))
    # Of a stripped asset only the revision is known: no version was higher.
    for version in range(1, asset.revision if asset.is_stripped else asset.version):
        yield _document(asset, superseded_doc_id(asset.id, version))


def _document(asset: Asset, doc_id: str) -> RawDocument:
    return RawDocument(Position(asset.created_ms, doc_id, asset.version, asset.revision))
