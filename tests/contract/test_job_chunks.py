"""The contract of the chunks of jobs, over every adapter."""

import dataclasses
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from amp.domain.chunks import Chunk, ItemOutcome, ItemResult
from amp.domain.ids import mint_at
from amp.ports.job_chunks import JobChunks
from amp.profiles import Adapters
from tests.support.asset_samples import at_once, id_version_1, id_version_6, now_ms


@pytest.fixture
def chunks(store_profile: Adapters) -> JobChunks:
    return store_profile.chunks


def ids(count: int) -> tuple[UUID, ...]:
    makers = (mint_at, id_version_1, id_version_6)
    return tuple(makers[n % 3](now_ms()) for n in range(count))


def a_chunk(**values: Any) -> Chunk:
    base: dict[str, Any] = {"job_id": mint_at(now_ms()), "number": 0, "ids": ids(3), "passed": 2, "position": "p"}
    return Chunk(**base | values)


@pytest.mark.parametrize(
    "values", [{}, {"ids": (), "passed": 0, "position": None}, {"number": 2**31 - 1, "ids": ids(1000), "position": ""}]
)
def test_a_chunk_is_read_back_as_it_was_begun_in_its_order(chunks: JobChunks, values: dict[str, Any]) -> None:
    chunk = a_chunk(**values)
    assert chunks.begin(chunk) == chunk
    assert chunks.get(chunk.job_id, chunk.number) == chunk
    assert chunks.results(chunk.job_id, chunk.number) == {}


def test_a_chunk_nobody_began_is_none(chunks: JobChunks) -> None:
    chunk = chunks.begin(a_chunk())
    assert chunks.get(chunk.job_id, 1) is None
    assert chunks.get(uuid4(), 0) is None
    assert chunks.results(uuid4(), 0) == {}


@pytest.mark.parametrize("first", [{}, {"ids": (), "passed": 0, "position": None}])
def test_the_chunk_that_is_there_stays_and_is_reported(chunks: JobChunks, first: dict[str, Any]) -> None:
    chunk = chunks.begin(a_chunk(**first))
    other = dataclasses.replace(chunk, ids=ids(2), passed=9, position="elsewhere")
    assert chunks.begin(other) == chunk
    assert chunks.get(chunk.job_id, 0) == chunk


def test_of_many_that_begin_a_chunk_at_once_one_wins_and_all_get_it(chunks: JobChunks) -> None:
    job_id = mint_at(now_ms())
    reported = at_once([partial(chunks.begin, a_chunk(job_id=job_id, passed=n)) for n in range(8)])
    assert reported == [chunks.get(job_id, 0)] * 8


def test_results_are_read_back_and_the_later_stands_for_the_earlier(chunks: JobChunks) -> None:
    chunk = chunks.begin(a_chunk(ids=ids(len(ItemOutcome))))
    first = dict(zip(chunk.ids, map(ItemResult, ItemOutcome), strict=True))
    chunks.record(chunk.job_id, {0: first})
    assert chunks.results(chunk.job_id, 0) == first
    again = {chunk.ids[0]: ItemResult(ItemOutcome.FAILED, "ü 日本 'q\";--"), chunk.ids[1]: ItemResult(ItemOutcome.DONE)}
    chunks.record(chunk.job_id, {0: again})
    chunks.record(chunk.job_id, {0: {}})
    chunks.record(chunk.job_id, {})
    assert chunks.results(chunk.job_id, 0) == first | again
    assert chunks.get(chunk.job_id, 0) == chunk


def test_the_later_record_wins_though_the_earlier_host_was_ahead(
    chunks: JobChunks, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk = chunks.begin(a_chunk(ids=ids(100)))
    with monkeypatch.context() as patch:
        patch.setattr("amp.adapters.cassandra.job_chunks.uuid1", lambda: id_version_1(now_ms() + 3_600_000))
        chunks.record(chunk.job_id, {0: dict.fromkeys(chunk.ids, ItemResult(ItemOutcome.FAILED, "bad"))})
    for outcome in (ItemOutcome.CHANGED, ItemOutcome.FAILED, ItemOutcome.DONE):
        later = {asset_id: ItemResult(outcome, str(number)) for number, asset_id in enumerate(chunk.ids)}
        chunks.record(chunk.job_id, {0: later})
        assert chunks.results(chunk.job_id, 0) == later


@pytest.mark.parametrize("count", [1, 63, 64, 65, 500])
def test_any_number_of_results_is_recorded_at_once(chunks: JobChunks, count: int) -> None:
    chunk = chunks.begin(a_chunk(ids=ids(count)))
    results = {asset_id: ItemResult(ItemOutcome.SKIPPED, str(n)) for n, asset_id in enumerate(chunk.ids)}
    chunks.record(chunk.job_id, {0: results})
    assert chunks.results(chunk.job_id, 0) == results


def test_results_of_many_chunks_are_recorded_at_once(chunks: JobChunks) -> None:
    job_id = uuid4()
    results = {
        number: {asset_id: ItemResult(ItemOutcome.DONE, str(number)) for asset_id in ids(2)} for number in range(30)
    }
    chunks.record(job_id, results)
    assert {number: chunks.results(job_id, number) for number in results} == results


def test_results_make_no_chunk_and_a_chunk_keeps_the_results_from_before(chunks: JobChunks) -> None:
    chunk = a_chunk()
    results = {chunk.ids[0]: ItemResult(ItemOutcome.CHANGED)}
    chunks.record(chunk.job_id, {0: results})
    assert chunks.get(chunk.job_id, 0) is None
    assert chunks.begin(chunk) == chunk
    assert chunks.results(chunk.job_id, 0) == results


def test_results_belong_to_one_chunk_of_one_job(chunks: JobChunks) -> None:
    asset_id, one, two = ids(1)[0], uuid4(), uuid4()
    places = [(one, 0), (one, 1), (two, 0)]
    for number, place in enumerate(places):
        job_id, of = place
        chunks.record(job_id, {of: {asset_id: ItemResult(ItemOutcome.DONE, str(number))}})
    assert [chunks.results(*place)[asset_id].note for place in places] == ["0", "1", "2"]


def test_a_note_may_hold_anything_and_a_long_one_is_cut(chunks: JobChunks) -> None:
    chunk = chunks.begin(a_chunk())
    long = ItemResult(ItemOutcome.FAILED, "a\0b\ud800c" + "\U0001f3ac" * 1_000_000)
    chunks.record(chunk.job_id, {0: {chunk.ids[0]: long}})
    note = chunks.results(chunk.job_id, 0)[chunk.ids[0]].note
    assert note.startswith("a\ufffdb\ufffdc\U0001f3ac\U0001f3ac")
    assert 1_000 <= len(note) <= 10_000


def test_a_forgotten_chunk_is_gone_with_its_results_and_no_other(chunks: JobChunks) -> None:
    chunk = chunks.begin(a_chunk())
    other = chunks.begin(a_chunk(job_id=chunk.job_id, number=1))
    results = {chunk.ids[0]: ItemResult(ItemOutcome.DONE)}
    for number in (0, 1):
        chunks.record(chunk.job_id, {number: results})
    for _ in range(2):
        chunks.forget(chunk.job_id, [0, 7])
        assert chunks.get(chunk.job_id, 0) is None
        assert chunks.results(chunk.job_id, 0) == {}
    assert chunks.get(chunk.job_id, 1) == other
    assert chunks.results(chunk.job_id, 1) == results
