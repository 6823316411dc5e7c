"""Writers that wait for a move whose mover may be dead help it on, and give way whenever somebody else is further."""

import threading
from collections.abc import Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from amp.adapters.clock import SystemClock
from amp.adapters.embedded.cache import MemoryCache
from amp.domain.buckets import BucketMap, first_map, index_of
from amp.domain.documents import IndexedDocument, Position
from amp.domain.ids import mint_at
from amp.domain.move_phases import dual
from amp.domain.moves import Move, MoveKind, Phase
from amp.ports.bucket_documents import RawDocument
from amp.ports.search_index import Put, PutResult, WriteStatus
from amp.services.buckets.aliases import MapChanged
from amp.services.buckets.refusals import RefusingBuckets
from amp.services.buckets.settlement import WriteSettlement
from amp.services.indexing.remove_documents import DocumentRemover, Removal, RemovalResult
from amp.services.indexing.write_documents import AssetDocuments, DocumentWriter
from amp.services.runtime.retry import Stopped
from tests.support.clock import ManualClock


class _Index:
    def put(self, puts: list[Put]) -> list[PutResult]:
        return [PutResult(WriteStatus.STALE) for _ in puts]


class _Maps:
    def current(self) -> object:
        return first_map("amp")

    refresh = current


class _NeverDone:
    """Somebody else is always further."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.settled = 0

    def settle(self, _bucket_map: object) -> None:
        self.settled += 1
        assert self.settled <= self.most, "no pause between looks"
        raise MapChanged


class _Stop(threading.Event):
    """Set after so many pauses, which take no time."""

    def __init__(self, pauses: int) -> None:
        super().__init__()
        self.left = pauses

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - nobody waits here
        self.left -= 1
        return self.left <= 0


def test_a_writer_that_helps_a_move_pauses_between_reads_and_can_stop() -> None:
    aliases: Any = _NeverDone(most=100)
    index: Any = _Index()
    maps: Any = _Maps()
    refusing = RefusingBuckets(cache=MemoryCache(), clock=SystemClock())
    writer = DocumentWriter(
        index=index, maps=maps, settlement=WriteSettlement(maps=maps, aliases=aliases), refusing=refusing
    )
    asset_id = mint_at(1_000)
    asset = AssetDocuments(asset_id, 1_000, (IndexedDocument(str(asset_id), 1, {}),))  # type: ignore[typeddict-item]
    with pytest.raises(Stopped):
        writer.write([asset], _Stop(100))
    assert aliases.settled > 1


class _AlwaysStale:
    def delete(self, _alias: str, documents: list[RawDocument]) -> list[PutResult]:
        return [PutResult(WriteStatus.STALE) for _ in documents]


def removal(at_ms: int, index: str | None = None) -> Removal:
    return Removal(RawDocument(Position(at_ms, str(mint_at(at_ms)), 1, 1)), index)


def test_who_removes_helps_a_move_too_and_leaves_what_waits_for_too_long() -> None:
    aliases, maps, documents = _NeverDone(most=1_000), _Maps(), _AlwaysStale()
    refusing = RefusingBuckets(cache=MemoryCache(), clock=SystemClock())
    settlement = WriteSettlement(maps=maps, aliases=aliases)  # type: ignore[arg-type]
    parts: Any = {"documents": documents, "maps": maps, "settlement": settlement, "refusing": refusing}
    found = removal(1_000)
    assert DocumentRemover(**parts).remove([found], _Stop(10_000)) == RemovalResult({found.asset_id}, {})
    assert aliases.settled > 1
    with pytest.raises(Stopped):
        DocumentRemover(**parts).remove([found], _Stop(10))
    assert DocumentRemover(**parts).remove([removal(1_000, "no bucket's any more")], _Stop(10)) == RemovalResult(
        set(), {}
    )


class _OneRefuses:
    """Takes what comes, but for one index, and keeps what it took."""

    def __init__(self, index: str) -> None:
        self.index = index
        self.taken: list[tuple[str, str]] = []
        self.refused = 0

    def delete(self, alias: str, documents: list[RawDocument]) -> list[PutResult]:
        written = WriteStatus.BUSY if index_of(alias) == self.index else WriteStatus.DONE
        return [PutResult(written, "the disk is full")] * len(documents)

    def put(self, puts: list[Put]) -> list[PutResult]:
        results = []
        for put in puts:
            if index_of(put.alias) == self.index:
                self.refused += 1
                results.append(PutResult(WriteStatus.BUSY, "the disk is full"))
            else:
                self.taken.append((index_of(put.alias), put.document.doc_id))
                results.append(PutResult(WriteStatus.DONE))
        return results


class _Pauses(threading.Event):
    """Never set; time passes with each wait."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.now_s += timeout or 0
        return False


class _NoCache:
    def get(self, _key: str) -> None:
        return None

    def put(self, *_: object) -> None:
        pass


class _Nothing:
    def settle(self, _bucket_map: object) -> None:
        pass


def _moving() -> BucketMap:
    """All of one bucket from second 1,000 on is written to both."""
    before = first_map("amp")
    source = before.buckets[0].index
    move = Move(
        id=mint_at(1), kind=MoveKind.SPLIT, source=source, target="amp-target-2", start_s=1_000, end_s=None,
        phase=Phase.PLAN, phase_token=2, dual_token=0, switch_token=3,
    )  # fmt: skip
    return dual(BucketMap(generation=2, buckets=before.buckets, move=move))


@pytest.mark.parametrize("refusing", ["source", "target"])
def test_while_only_the_target_of_a_move_refuses_the_source_is_written(refusing: str) -> None:
    bucket_map, clock = _moving(), ManualClock()
    assert bucket_map.move is not None
    source, target = bucket_map.move.source, bucket_map.move.target
    index = _OneRefuses(source if refusing == "source" else target)
    maps: Any = _Maps()
    maps.current = maps.refresh = lambda: bucket_map
    writes = WriteSettlement(maps=maps, aliases=_Nothing())  # type: ignore[arg-type]
    refusing_buckets = RefusingBuckets(cache=_NoCache(), clock=clock)  # type: ignore[arg-type]
    parts: Any = {"index": index, "maps": maps, "settlement": writes, "refusing": refusing_buckets}
    writer, aside = DocumentWriter(**parts), set[UUID]()

    def set_aside(ids: Collection[UUID]) -> bool:
        aside.update(ids)
        return True

    for number in range(20):
        asset_id = mint_at(2_000_000 + number)
        asset = AssetDocuments(asset_id, 2_000_000 + number, (IndexedDocument(str(asset_id), 1, {}),))  # type: ignore[typeddict-item]
        assert writer.write([asset], _Pauses(clock), set_aside) == {}
        assert (asset_id in aside) is (refusing == "source")
        assert ((source, str(asset_id)) in index.taken) is (refusing == "target")
    # The refusing index is not tried again for each document.
    assert index.refused < 30
    index.index = "another"
    clock.now_s += 10
    asset_id = mint_at(3_000_000)
    asset = AssetDocuments(asset_id, 3_000_000, (IndexedDocument(str(asset_id), 1, {}),))  # type: ignore[typeddict-item]
    assert writer.write([asset], _Pauses(clock), set_aside) == {}
    assert {taken for taken, doc_id in index.taken if doc_id == str(asset_id)} == {source, target}


@pytest.mark.parametrize("refusing", ["source", "target"])
def test_a_document_counts_as_removed_once_the_target_lacks_it_too(refusing: str) -> None:
    bucket_map, clock = _moving(), ManualClock()
    assert bucket_map.move is not None
    index = _OneRefuses(bucket_map.move.source if refusing == "source" else bucket_map.move.target)
    maps: Any = _Maps()
    maps.current = maps.refresh = lambda: bucket_map
    writes = WriteSettlement(maps=maps, aliases=_Nothing())  # type: ignore[arg-type]
    refusing_buckets = RefusingBuckets(cache=_NoCache(), clock=clock)  # type: ignore[arg-type]
    parts: Any = {"documents": index, "maps": maps, "settlement": writes, "refusing": refusing_buckets}
    remover = DocumentRemover(**parts)
    both, first = removal(2_000_000), removal(1_000)
    expected = {both.asset_id, first.asset_id} if refusing == "source" else {both.asset_id}
    assert remover.remove([both, first], _Pauses(clock)) == RemovalResult(expected, {})
    assert remover.without_refused([both.asset_id]) == []
    index.index = "another"
    clock.now_s += 10
    assert remover.remove([both, first], _Pauses(clock)) == RemovalResult(set(), {})


@pytest.mark.parametrize("phase", list(Phase))
def test_a_removal_from_the_source_of_a_move_removes_from_the_target(phase: Phase) -> None:
    moving = _moving()
    assert moving.move is not None
    bucket_map = replace(moving, move=replace(moving.move, phase=phase))
    source, target = moving.move.source, moving.move.target
    asked = [index_of(alias) for alias in removal(2_000_000, source).aliases(bucket_map)]
    assert asked == ([target, source] if phase in (Phase.DUAL, Phase.HOLD) else [source])
    assert list(removal(2_000_000, target).aliases(bucket_map)) == []


def test_a_removal_that_an_index_rejects_does_not_count_as_done() -> None:
    class Rejecting:
        def delete(self, _alias: str, documents: list[RawDocument]) -> list[PutResult]:
            return [PutResult(WriteStatus.REJECTED, "no such thing")] * len(documents)

    maps, refusing = _Maps(), RefusingBuckets(cache=MemoryCache(), clock=SystemClock())
    settlement = WriteSettlement(maps=maps, aliases=_Nothing())  # type: ignore[arg-type]
    parts: Any = {"documents": Rejecting(), "maps": maps, "settlement": settlement, "refusing": refusing}
    found = removal(1_000)
    assert DocumentRemover(**parts).remove([found], _Stop(10)) == RemovalResult(
        set(), {found.asset_id: "no such thing"}
    )
