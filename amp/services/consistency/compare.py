"""Compares the documents of the index, one by one, with those that it should have according to the store."""

from collections import defaultdict, deque
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from uuid import UUID

from amp.domain.assets import Asset, State
from amp.domain.buckets import BucketMap
from amp.domain.claims import Claim
from amp.errors import NotFound
from amp.ports.asset_listing import AssetListing, OrphanedListing
from amp.ports.asset_store import AssetReads
from amp.ports.bucket_documents import BucketDocuments, RawDocument
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.consistency.compare_names import NameComparison, display_name
from amp.services.indexing.build_documents import DocumentBuilder
from amp.services.indexing.write_documents import AssetDocuments
from amp.services.runtime.step_size import StepSize
from amp.services.types.catalog import TypeCatalog

#: Approximate memory of a document without its body, in bytes.
_DOCUMENT_BYTES = 512
#: The documents of each asset, each with its index and without its body.
_Found = Mapping[UUID, list[tuple[str, RawDocument]]]


class Discrepancy(StrEnum):
    MISSING = "missing"  #: the index lacks a document
    STALE = "stale"  #: a document is older than the store's revision
    AHEAD = "ahead"  #: a document has a revision that the store has not reached
    MALFORMED = "malformed"  #: a document has the right revision and another content
    GHOST = "ghost"  #: a document belongs to no asset, or to no version that is kept
    MISPLACED = "misplaced"  #: a document is in the index of another bucket
    UNLISTED = "unlisted"  #: an asset is missing on a list
    ORPHAN = "orphan"  #: a list contains an id without an asset
    MISLEADING = "misleading"  #: an external id leads to an asset that does not have it
    UNCLAIMED = "unclaimed"  #: an asset's external id does not lead to it


@dataclass(slots=True)
class AssetDiff:
    """The differences between store and index for one asset."""

    asset_id: UUID
    head: Asset | None  #: None: there is no asset
    faults: list[tuple[Discrepancy, str]] = field(default_factory=list)
    #: Documents that should not be in their index, each with the index and without its body.
    extra: list[tuple[str, RawDocument]] = field(default_factory=list)
    orphans: list[OrphanedListing] = field(default_factory=list)
    misleading: list[Claim] = field(default_factory=list)  #: claims that lead to this asset and should not
    unclaimed: list[Claim] = field(default_factory=list)  #: claims that should lead to this asset

    @property
    def revision(self) -> int | None:
        return None if self.head is None else self.head.revision

    @property
    def updated_ms(self) -> int:
        return 0 if self.head is None else self.head.updated_ms

    @property
    def description(self) -> str:
        return "; ".join(f"{fault}: {what}" if what else fault.value for fault, what in self.faults)

    @property
    def unlisted(self) -> bool:
        return any(fault is Discrepancy.UNLISTED for fault, _ in self.faults)


@dataclass(slots=True)
class _Wanted:
    """The documents of some assets that the index should have."""

    revisions: dict[UUID, dict[str, int]]  #: revision of each document, by asset
    malformed: set[str] = field(default_factory=set)  #: ids of documents with another content


@dataclass(frozen=True, kw_only=True)
class DocumentComparison:
    store: AssetReads
    listing: AssetListing
    builder: DocumentBuilder
    documents: BucketDocuments
    maps: BucketMaps
    catalog: TypeCatalog
    names: NameComparison
    _step_size: StepSize = field(default_factory=StepSize, init=False)

    def differences(
        self, ids: Collection[UUID], *, settle: bool = False, projects: Collection[str] = ()
    ) -> dict[UUID, AssetDiff]:
        """Return the differences of these assets now. Changes that are not indexed yet count as differences.

        :param settle: first settle changes whose outcome in the store is unknown.
        :param projects: the projects whose lists are searched for ids without an asset; the names of all projects are
            unknown.
        :raises Retryable: a component does not answer.
        """
        result: dict[UUID, AssetDiff] = {}
        for some in self._step_size.steps(deque(ids)):
            result |= self._differences(some, settle, projects)
        return result

    def _differences(self, ids: Collection[UUID], settle: bool, projects: Collection[str]) -> dict[UUID, AssetDiff]:
        bucket_map = self.maps.refresh()
        found = self._found(ids, bucket_map)
        # The store is read after the index. A newer document in the index is therefore ahead of the store.
        all_heads = self.store.heads(ids, settle=settle)
        heads = {asset_id: head for asset_id, head in all_heads.items() if head.state is not State.PURGED}
        wanted = self._wanted(heads, found, bucket_map)
        result: dict[UUID, AssetDiff] = {}
        for asset_id in ids:
            result[asset_id] = AssetDiff(asset_id, heads.get(asset_id))
            self._compare(result[asset_id], wanted, found.get(asset_id, ()), bucket_map)
        self._compare_lists(result, projects)
        self._compare_names(result, all_heads)
        return {asset_id: difference for asset_id, difference in result.items() if difference.faults}

    def _found(self, ids: Collection[UUID], bucket_map: BucketMap) -> _Found:
        found: dict[UUID, list[tuple[str, RawDocument]]] = defaultdict(list)
        indices = {bucket.index for bucket in bucket_map.buckets}
        for index, document in self.documents.of_assets(ids):
            if index in indices:
                found[UUID(document.position.asset_id)].append((index, document))
        return found

    def _wanted(self, heads: Mapping[UUID, Asset], found: _Found, bucket_map: BucketMap) -> _Wanted:
        """Return the documents that the index should have. The bodies of both sides are compared in parts."""
        wanted = _Wanted({asset_id: {} for asset_id in heads})
        found_bytes = _DOCUMENT_BYTES * max(map(len, found.values()), default=0)
        # `map` is lazy, so only one part is in memory.
        sizes = map(partial(self._compare_part, wanted, found, bucket_map), self.builder.parts_of_heads(heads))
        self._step_size.note(max(found_bytes, *sizes))
        return wanted

    def _compare_part(
        self, wanted: _Wanted, found: _Found, bucket_map: BucketMap, assets: Sequence[AssetDocuments]
    ) -> int:
        """Add the wanted documents of these assets; return the bytes of the largest asset."""
        for asset in assets:
            wanted.revisions[asset.asset_id] |= {document.doc_id: document.revision for document in asset.documents}
        wanted.malformed |= self._malformed(assets, found, bucket_map)
        return max((asset.source_bytes for asset in assets), default=0)

    def _malformed(self, assets: Sequence[AssetDocuments], found: _Found, bucket_map: BucketMap) -> set[str]:
        """Return the ids of documents that have the wanted revision and another content."""
        wanted = {document.doc_id: document for asset in assets for document in asset.documents}
        comparable: dict[str, list[RawDocument]] = defaultdict(list)
        for asset in assets:
            right = bucket_map.bucket_at(asset.created_ms).index
            for index, document in found.get(asset.asset_id, ()):
                expected = wanted.get(document.doc_id)
                if index == right and expected is not None and document.revision == expected.revision:
                    comparable[index].append(document)
        malformed: set[str] = set()
        for index, documents in comparable.items():
            with suppress(NotFound):  # it was dropped since
                for page in self.documents.with_bodies(index, documents):
                    malformed |= {d.doc_id for d in page if not self.documents.matches(d, wanted[d.doc_id])}
        return malformed

    def _compare(
        self,
        difference: AssetDiff,
        all_wanted: _Wanted,
        found: Sequence[tuple[str, RawDocument]],
        bucket_map: BucketMap,
    ) -> None:
        faults, head = difference.faults, difference.head
        wanted = all_wanted.revisions.get(difference.asset_id, {})
        moving = {bucket_map.move.source, bucket_map.move.target} if bucket_map.move else frozenset[str]()
        missing = dict(wanted)
        for index, document in found:
            expected = wanted.get(document.doc_id)
            # The creation time in a broken body is not reliable. The id is.
            right = head and bucket_map.bucket_at(head.created_ms).index
            if expected is None and head is not None and document.tombstone and ":" in document.doc_id:
                continue  # belongs to a version that is no longer kept
            if expected is None:
                faults.append((Discrepancy.GHOST, f"{document.doc_id} at revision {document.revision}"))
                difference.extra.append((index, document))
                continue
            if index != right:
                if index not in moving:
                    faults.append((Discrepancy.MISPLACED, f"{document.doc_id} in {index}"))
                    difference.extra.append((index, document))
                continue
            missing.pop(document.doc_id, None)
            if document.revision > expected:
                faults.append((Discrepancy.AHEAD, f"{document.doc_id} at {document.revision}, not {expected}"))
                difference.extra.append((index, document))
            elif document.revision < _least(difference, document.doc_id, expected):
                faults.append((Discrepancy.STALE, f"{document.doc_id} at {document.revision}, not {expected}"))
            elif document.revision == expected and document.doc_id in all_wanted.malformed:
                faults.append((Discrepancy.MALFORMED, document.doc_id))
        faults += [(Discrepancy.MISSING, doc_id) for doc_id in missing]

    def _compare_lists(self, differences: Mapping[UUID, AssetDiff], projects: Collection[str]) -> None:
        heads = [difference.head for difference in differences.values() if difference.head is not None]
        for asset_id, lists in self.listing.unlisted(heads).items():
            differences[asset_id].faults.append((Discrepancy.UNLISTED, ", ".join(lists)))
        without = [asset_id for asset_id, difference in differences.items() if difference.head is None]
        if without:
            for orphan in self.listing.orphans(without, self.catalog.names(), projects):
                differences[orphan.id].faults.append((Discrepancy.ORPHAN, orphan.list))
                differences[orphan.id].orphans.append(orphan)

    def _compare_names(self, differences: Mapping[UUID, AssetDiff], heads: Mapping[UUID, Asset]) -> None:
        for claim in self.names.misleading(heads):
            differences[claim.holder_id].faults.append((Discrepancy.MISLEADING, display_name(claim)))
            differences[claim.holder_id].misleading.append(claim)
        for claim in self.names.unclaimed([head for head in heads.values() if head.state is not State.PURGED]):
            differences[claim.holder_id].faults.append((Discrepancy.UNCLAIMED, display_name(claim)))
            differences[claim.holder_id].unclaimed.append(claim)


def _least(difference: AssetDiff, doc_id: str, revision: int) -> int:
    """Return the minimum revision of the document. A superseded version is right at any revision from the last change
    of all documents on.
    """
    if difference.head is None or doc_id == str(difference.asset_id):
        return revision
    return min(revision, difference.head.all_revision)
