"""Compares what the index holds of assets with what the store says it should hold, document by document."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from amp.domain.assets import Asset, State
from amp.domain.buckets import BucketMap
from amp.ports.asset_listing import AssetListing, Stray
from amp.ports.asset_store import AssetStore
from amp.ports.bucket_documents import BucketDocuments, RawDocument
from amp.ports.claims import Claim
from amp.services.bucket_maps import BucketMaps
from amp.services.compare_names import CompareNames, shown_name
from amp.services.index_assets import IndexAssets
from amp.services.put_documents import AssetDocuments
from amp.services.runtime.step_size import StepSize
from amp.services.type_catalog import TypeCatalog


class Fault(StrEnum):
    MISSING = "missing"  #: the index lacks a document
    STALE = "stale"  #: a document is older than the store
    AHEAD = "ahead"  #: a document claims a revision that the store has not reached
    MALFORMED = "malformed"  #: a document of the right revision says something else
    GHOST = "ghost"  #: a document of no asset, or of no version that is kept
    MISPLACED = "misplaced"  #: a document in another bucket's index
    UNLISTED = "unlisted"  #: an asset is not on a list it belongs on
    STRAY = "stray"  #: a list names an id that has no asset
    MISLEADING = "misleading"  #: an external id leads to an asset that does not bear it
    UNCLAIMED = "unclaimed"  #: an asset's external id does not lead to it


@dataclass(slots=True)
class Difference:
    """How store and index disagree about one asset."""

    asset_id: UUID
    head: Asset | None  #: None: there is no asset
    faults: list[tuple[Fault, str]] = field(default_factory=list)
    #: Documents that should not be where they are, with their index and without their bodies.
    extra: list[tuple[str, RawDocument]] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    misleading: list[Claim] = field(default_factory=list)  #: claims that lead here and should not
    unclaimed: list[Claim] = field(default_factory=list)  #: claims that should lead here

    @property
    def revision(self) -> int | None:
        return None if self.head is None else self.head.revision

    @property
    def updated_ms(self) -> int:
        return 0 if self.head is None else self.head.updated_ms

    @property
    def told(self) -> str:
        return "; ".join(f"{fault}: {what}" if what else fault.value for fault, what in self.faults)

    @property
    def unlisted(self) -> bool:
        return any(fault is Fault.UNLISTED for fault, _ in self.faults)


class CompareDocuments:
    def __init__(
        self,
        store: AssetStore,
        listing: AssetListing,
        indexer: IndexAssets,
        documents: BucketDocuments,
        maps: BucketMaps,
        catalog: TypeCatalog,
        names: CompareNames,
    ) -> None:
        self._store = store
        self._listing = listing
        self._indexer = indexer
        self._documents = documents
        self._maps = maps
        self._catalog = catalog
        self._names = names
        self._step_size = StepSize()

    def differences(
        self, ids: Collection[UUID], *, settle: bool = False, projects: Collection[str] = ()
    ) -> dict[UUID, Difference]:
        """Of those assets about which there is one, as of now: what is on its way counts as missing. With `settle`,
        changes of which the store has not decided yet are decided first. Nobody knows the names of all projects: an id
        without an asset is looked for in the lists of `projects` alone.

        :raises Retryable: a part does not answer.
        """
        result: dict[UUID, Difference] = {}
        for some in self._step_size.steps(list(ids)):
            result |= self._differences(some, settle, projects)
        return result

    def _differences(self, ids: Collection[UUID], settle: bool, projects: Collection[str]) -> dict[UUID, Difference]:
        bucket_map = self._maps.refresh()
        found = self._found(ids, bucket_map)
        # The store after the index: what the index shows that is newer than this is ahead of it for good.
        all_heads = self._store.heads(ids, settle=settle)
        heads = {asset_id: head for asset_id, head in all_heads.items() if head.state is not State.PURGED}
        wanted = {asset.asset_id: asset for asset in self._indexer.build_of(heads)}
        result: dict[UUID, Difference] = {}
        for asset_id in ids:
            difference = Difference(asset_id, heads.get(asset_id))
            self._compare(difference, wanted.get(asset_id), found.get(asset_id, ()), bucket_map)
            result[asset_id] = difference
        self._compare_lists(result, projects)
        self._step_size.note(max((_size(wanted.get(id_), found.get(id_, ())) for id_ in ids), default=0))
        self._compare_names(result, all_heads)
        return {asset_id: difference for asset_id, difference in result.items() if difference.faults}

    def _found(self, ids: Collection[UUID], bucket_map: BucketMap) -> Mapping[UUID, list[tuple[str, RawDocument]]]:
        found: dict[UUID, list[tuple[str, RawDocument]]] = defaultdict(list)
        indices = {bucket.index for bucket in bucket_map.buckets}
        for index, document in self._documents.of_assets(ids):
            if index in indices:
                found[UUID(document.position.asset_id)].append((index, document))
        return found

    def _compare(
        self,
        difference: Difference,
        asset: AssetDocuments | None,
        found: Sequence[tuple[str, RawDocument]],
        bucket_map: BucketMap,
    ) -> None:
        faults = difference.faults
        wanted = {document.doc_id: document for document in asset.documents} if asset else {}
        moving = {bucket_map.move.source, bucket_map.move.target} if bucket_map.move else frozenset[str]()
        missing = dict(wanted)
        for index, document in found:
            expected = wanted.get(document.doc_id)
            # The body does not tell reliably when a document was created if it is broken: the id does.
            right = asset and bucket_map.bucket_at(asset.created_ms).index
            if expected is None and difference.head is not None and document.tombstone and ":" in document.doc_id:
                continue  # of a version that is not kept any more
            if expected is None:
                faults.append((Fault.GHOST, f"{document.doc_id} at revision {document.revision}"))
                difference.extra.append((index, replace(document, body=b"")))
                continue
            if index != right:
                if index not in moving:
                    faults.append((Fault.MISPLACED, f"{document.doc_id} in {index}"))
                    difference.extra.append((index, replace(document, body=b"")))
                continue
            missing.pop(document.doc_id, None)
            if document.revision > expected.revision:
                faults.append((Fault.AHEAD, f"{document.doc_id} at {document.revision}, not {expected.revision}"))
                difference.extra.append((index, replace(document, body=b"")))
            elif document.revision < _least(difference, document.doc_id, expected.revision):
                faults.append((Fault.STALE, f"{document.doc_id} at {document.revision}, not {expected.revision}"))
            elif document.revision == expected.revision and not self._documents.matches(document, expected):
                faults.append((Fault.MALFORMED, document.doc_id))
        faults += [(Fault.MISSING, doc_id) for doc_id in missing]

    def _compare_lists(self, differences: Mapping[UUID, Difference], projects: Collection[str]) -> None:
        heads = [difference.head for difference in differences.values() if difference.head is not None]
        for asset_id, lists in self._listing.unlisted(heads).items():
            differences[asset_id].faults.append((Fault.UNLISTED, ", ".join(lists)))
        without = [asset_id for asset_id, difference in differences.items() if difference.head is None]
        if without:
            for stray in self._listing.strays(without, self._catalog.names(), projects):
                differences[stray.id].faults.append((Fault.STRAY, stray.list))
                differences[stray.id].strays.append(stray)

    def _compare_names(self, differences: Mapping[UUID, Difference], heads: Mapping[UUID, Asset]) -> None:
        for claim in self._names.misleading(heads):
            differences[claim.asset_id].faults.append((Fault.MISLEADING, shown_name(claim)))
            differences[claim.asset_id].misleading.append(claim)
        for claim in self._names.unclaimed([head for head in heads.values() if head.state is not State.PURGED]):
            differences[claim.asset_id].faults.append((Fault.UNCLAIMED, shown_name(claim)))
            differences[claim.asset_id].unclaimed.append(claim)


def _size(asset: AssetDocuments | None, found: Sequence[tuple[str, RawDocument]]) -> int:
    """Of the sources that the index should hold and the documents that it holds."""
    return (asset.source_bytes if asset else 0) + sum(len(document.body) for _, document in found)


def _least(difference: Difference, doc_id: str, revision: int) -> int:
    """A superseded version is right at any revision since all documents changed last."""
    if difference.head is None or doc_id == str(difference.asset_id):
        return revision
    return min(revision, difference.head.all_revision)
