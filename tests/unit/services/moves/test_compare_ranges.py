"""What is copied between indices: nothing that a purge has removed from the one and not from the other."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from amp.adapters.clock import SystemClock
from amp.domain.assets import Asset, State
from amp.domain.documents import Position
from amp.ports.bucket_documents import RawDocument, TimeRange
from amp.ports.search_index import PutResult, WriteStatus
from amp.services.moves.compare_ranges import RangeComparison
from amp.services.moves.copy_documents import Copy, DocumentCopy
from tests.support.search.profiles import asset

_PURGED = replace(asset("purged"), state=State.PURGED, revision=9)
_AGAIN = replace(asset("made again"), revision=9)
_LIVE = asset("live")


@dataclass
class _Documents:
    """A source and its target."""

    source: list[RawDocument]
    there: dict[str, int] = field(default_factory=dict)  #: in the target
    read: list[str] = field(default_factory=list)  #: with their bodies
    copied: list[str] = field(default_factory=list)

    def page(
        self, _index: str, _of: TimeRange, *, after: Position | None, bodies: bool = True, **_: Any
    ) -> list[RawDocument]:
        assert not bodies
        return self.source if after is None else []

    def with_bodies(self, _index: str, documents: Collection[RawDocument]) -> Iterator[list[RawDocument]]:
        self.read += [document.doc_id for document in documents]
        return ([document] for document in documents)

    def revisions(self, _index: str, _ids: Collection[str], **_: Any) -> dict[str, int]:
        return self.there

    def put(self, _alias: str, documents: Sequence[RawDocument]) -> list[PutResult]:
        self.copied += [document.doc_id for document in documents]
        return [PutResult(WriteStatus.DONE) for _ in documents]


def test_what_a_purge_removed_does_not_come_back_from_the_source_of_a_move() -> None:
    places = {"purged": (_PURGED, 1), "former life": (_AGAIN, 4), "made again": (_AGAIN, 1), "live": (_LIVE, 1)}
    source = [RawDocument(_position(head, version)) for head, version in places.values()]
    documents = _Documents(source)
    heads = {head.id: head for head, _ in places.values()}
    copier = DocumentCopy(documents=documents, clock=SystemClock(), reader=None, heads=lambda ids: _of(heads, ids))  # type: ignore[arg-type]
    pages = list(
        RangeComparison(documents=documents, copier=copier).bring_forward(
            Copy("a", "b-w1", TimeRange(0)), "b", lambda _: None
        )
    )  # type: ignore[arg-type]
    assert documents.copied == [source[2].doc_id, source[3].doc_id]
    # The source may be emptied of all of it.
    assert pages == [(source, 2)]


def test_only_documents_that_are_behind_are_read_with_their_bodies() -> None:
    heads = [asset(str(n)) for n in range(5)]
    source = [RawDocument(_position(head, 1)) for head in heads]
    there = {source[n].doc_id: revision for n, revision in enumerate((3, 2, 3, 4))}
    documents = _Documents(source, there)
    copier = DocumentCopy(documents=documents, clock=SystemClock(), reader=None, heads=lambda _: {})  # type: ignore[arg-type]
    pages = list(
        RangeComparison(documents=documents, copier=copier).bring_forward(
            Copy("a", "b-w1", TimeRange(0)), "b", lambda _: None
        )
    )  # type: ignore[arg-type]
    assert documents.read == documents.copied == [source[1].doc_id, source[4].doc_id]
    assert pages == [(source, 2)]


def _position(head: Asset, version: int) -> Position:
    doc_id = str(head.id) if version == head.version else f"{head.id}:{version}"
    return Position(head.created_ms, doc_id, version, 3)


def _of(heads: dict[UUID, Asset], ids: Collection[UUID]) -> dict[UUID, Asset]:
    return {id_: heads[id_] for id_ in ids if id_ in heads}
