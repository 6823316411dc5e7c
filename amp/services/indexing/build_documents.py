"""Builds the search documents of assets from the source of truth, in steps of bounded memory."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from uuid import UUID

import orjson

from amp.domain.assets import Asset, Scope, State, Version, asset_json, content_bytes, version_json
from amp.domain.documents import IndexedDocument, dropped_document, head_document, superseded_document
from amp.domain.messages import AssetChanged
from amp.errors import TypeNotFound
from amp.ports.asset_store import AssetReads
from amp.services.indexing.write_documents import AssetDocuments
from amp.services.runtime.step_size import MAX_COUNT_READ_WHILE_SMALL, STEP_BYTES, StepSize
from amp.services.types.catalog import TypeCatalog

#: Versions of one asset that are read and written at once.
_VERSIONS_AT_ONCE = 20
#: Versions that are read in one step. Each may be large, however small the head is.
_VERSIONS_A_STEP = 128


@dataclass(frozen=True, slots=True)
class BuiltDocuments:
    """The result of one step."""

    documents: Sequence[AssetDocuments]
    known: Collection[UUID]  #: the assets that the store has
    heavy: Collection[UUID]  #: those whose versions are too many or too large for one step; `part` builds them
    left: Collection[UUID]  #: the assets for which the step had no room; never all of them


def _step_size() -> StepSize:
    return StepSize(max_count=MAX_COUNT_READ_WHILE_SMALL)


@dataclass(frozen=True, kw_only=True)
class DocumentBuilder:
    """Builds search documents. Documents are built from what the store holds now and carry its revision, so replayed
    and reordered messages do no harm.
    """

    store: AssetReads
    catalog: TypeCatalog
    versions_kept: int
    step_size: StepSize = field(default_factory=_step_size)

    def steps(self, ids: deque[UUID]) -> Iterator[list[UUID]]:
        """Take ids from `ids` in steps that are likely to fit into one call of `build`. The caller puts back the ids
        that `build` leaves.
        """
        return self.step_size.steps(ids)

    def build(self, changes: Mapping[UUID, Sequence[AssetChanged]]) -> BuiltDocuments:
        """Build the documents that these changes call for, or all documents of an asset without changes.

        An asset or a version that the store does not have is skipped: its own message follows, and consistency checks
        find documents without an asset.

        :raises StoreUnavailable: the store does not answer.
        """
        heads, left = self._read(changes.keys())
        wanted = {asset_id: self._wanted(head, changes[asset_id]) for asset_id, head in heads.items()}
        light = _light(heads, wanted)
        later = _beyond_a_step(light)
        for asset_id in later:
            del heads[asset_id], light[asset_id]
        versions = self._versions(light)
        documents = [self._documents(heads[asset_id], versions[asset_id], changes[asset_id]) for asset_id in light]
        self.step_size.note(max((built.source_bytes for built in documents), default=0))
        return BuiltDocuments(documents, set(heads), heads.keys() - light.keys(), [*left, *later])

    def parts(self, asset_id: UUID, changes: Sequence[AssetChanged]) -> list[Sequence[int]]:
        """Return the versions that these changes call for, in parts for `part`. All versions together may be a thousand
        times as large as the asset. The result is empty if the store does not have the asset.

        :raises StoreUnavailable: the store does not answer.
        """
        head = self._heads([asset_id]).get(asset_id)
        return [] if head is None else _parts(self._wanted(head, changes))

    def part(
        self, asset_id: UUID, numbers: Sequence[int], changes: Sequence[AssetChanged] | None
    ) -> list[AssetDocuments]:
        """Build the documents of these versions of an asset.

        :param changes: given for the last part, which also has the head's document and the tombstones of the versions
            that the changes drop.
        :raises StoreUnavailable: the store does not answer.
        """
        heads = self._heads([asset_id])
        versions = self._versions(dict.fromkeys(heads, numbers))
        return [self._documents(head, versions[asset_id], changes) for head in heads.values()]

    def of_heads(self, heads: Mapping[UUID, Asset]) -> list[AssetDocuments]:
        """Build every document that the index should hold of assets with these heads, none of them purged.

        :raises StoreUnavailable: the store does not answer.
        """
        versions = self._versions({asset_id: self._older(head) for asset_id, head in heads.items()})
        return [self._documents(head, versions[asset_id], ()) for asset_id, head in heads.items()]

    def parts_of_heads(self, heads: Mapping[UUID, Asset]) -> Iterator[list[AssetDocuments]]:
        """Build the same documents as `of_heads`. An asset whose versions are too many or too large is built by itself,
        some versions at a time.

        :raises StoreUnavailable: the store does not answer.
        """
        light = _light(heads, {asset_id: self._older(head) for asset_id, head in heads.items()})
        yield self.of_heads({asset_id: heads[asset_id] for asset_id in light})
        for head in (head for asset_id, head in heads.items() if asset_id not in light):
            parts = _parts(self._older(head))
            for numbers in parts:
                versions = self._versions({head.id: numbers})[head.id]
                yield [self._documents(head, versions, () if numbers is parts[-1] else None)]

    def _read(self, ids: Collection[UUID]) -> tuple[dict[UUID, Asset], Collection[UUID]]:
        """Return the heads of as many of these assets as a step has room for, and the ids of the others."""
        heads: dict[UUID, Asset] = {}
        read_bytes = 0
        for head, size in self.store.each_head(ids):
            if head.state is not State.PURGED:
                heads[head.id] = head
            read_bytes += size
            if read_bytes >= STEP_BYTES:
                break
        return heads, [] if read_bytes < STEP_BYTES else [asset_id for asset_id in ids if asset_id not in heads]

    def _heads(self, ids: Collection[UUID]) -> dict[UUID, Asset]:
        heads = self.store.heads(ids)
        return {asset_id: head for asset_id, head in heads.items() if head.state is not State.PURGED}

    def _versions(self, wanted: Mapping[UUID, Collection[int]]) -> Mapping[UUID, list[Version]]:
        versions: dict[UUID, list[Version]] = defaultdict(list)
        if wanted := {asset_id: numbers for asset_id, numbers in wanted.items() if numbers}:
            for (asset_id, _), version in self.store.versions(wanted).items():
                versions[asset_id].append(version)
        return versions

    def _older(self, head: Asset) -> range:
        """Return the versions below the head's that have a document."""
        return head.superseded(self.versions_kept)

    def _wanted(self, head: Asset, changes: Sequence[AssetChanged]) -> Sequence[int]:
        """Return the versions below the head's whose documents these changes call for, in order. Without changes,
        return all of them."""
        older = self._older(head)
        if not older or not changes or any(change.scope is Scope.ALL for change in changes):
            return older
        named = {version for change in changes for version in (change.version - 1, change.version)}
        return sorted(version for version in named if version in older)

    def _documents(
        self, head: Asset, versions: Collection[Version], changes: Sequence[AssetChanged] | None
    ) -> AssetDocuments:
        """Build the documents of these versions and of the head, and the tombstones of the versions that the changes
        drop. If `changes` is None, build only the documents of these versions."""
        try:
            documents = [
                superseded_document(head, version, self.catalog.version(head.type, version.type_version), source)
                for version in versions
                for source in [orjson.dumps(version_json(head, version))]
            ]
            if changes is not None:
                documents += self._tombstones(head, changes)
                head_type = self.catalog.version(head.type, head.type_version)
                documents.append(head_document(head, head_type, orjson.dumps(asset_json(head))))
        except TypeNotFound as e:
            return AssetDocuments(head.id, head.created_ms, (), rejected=str(e))
        return AssetDocuments(head.id, head.created_ms, tuple(documents))

    def _tombstones(self, head: Asset, changes: Sequence[AssetChanged]) -> list[IndexedDocument]:
        dropped = {version for change in changes if (version := change.version - self.versions_kept) > 0}
        if not dropped:
            return []
        # A message from before a purge may name a higher version than the asset has now.
        kept_from = self._older(head).start
        return [dropped_document(head, version) for version in sorted(dropped) if version < kept_from]


def _light(heads: Mapping[UUID, Asset], wanted: Mapping[UUID, Sequence[int]]) -> dict[UUID, Sequence[int]]:
    """Return those of the assets whose wanted versions can all be read at once if each is as large as the head. The
    first asset is among them unless it has too many."""
    light: dict[UUID, Sequence[int]] = {}
    left_bytes = STEP_BYTES
    for asset_id, numbers in wanted.items():
        if len(numbers) <= _VERSIONS_AT_ONCE and left_bytes > 0:
            light[asset_id] = numbers
            # Most changes call for one version and its head. A step has room for these.
            if len(numbers) > 1:
                left_bytes -= len(numbers) * content_bytes(heads[asset_id])
    return light


def _beyond_a_step(light: Mapping[UUID, Sequence[int]]) -> list[UUID]:
    """Return the last of these assets, whose wanted versions are too many to be read together with those before."""
    ends = accumulate(map(len, light.values()))
    return [asset_id for asset_id, end in zip(light, ends, strict=True) if end > _VERSIONS_A_STEP]


def _parts(numbers: Sequence[int]) -> list[Sequence[int]]:
    """Divide the numbers into parts. There is at least one, which may be empty."""
    return [numbers[begin : begin + _VERSIONS_AT_ONCE] for begin in range(0, max(1, len(numbers)), _VERSIONS_AT_ONCE)]
