"""What is shown of a job that ended before all its chunks were settled: counts that agree with its dead letters."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import orjson
import pytest

from amp.adapters.clock import SystemClock
from amp.adapters.embedded.cache import MemoryCache
from amp.domain.chunks import Chunk, ItemOutcome, ItemResult
from amp.domain.dead_letters import DeadLetter, dead_letter_for
from amp.domain.ids import mint_at
from amp.domain.job_parameters import AssetJobParameters
from amp.domain.jobs import AssetCheckpoint, Job, JobProgress, JobState
from amp.domain.messages import JobItem, message_json
from amp.domain.principals import BUCKET_WORKER, Principal
from amp.domain.selectors import Selector
from amp.ports.dead_letters import DeadLetters
from amp.ports.job_chunks import JobChunks
from amp.ports.message_queue import Topic
from amp.profiles import Adapters
from amp.services.jobs.control import JobControl
from amp.services.jobs.dead_letters import DeadLetterAdmin, DeadLetterFilter
from amp.services.runtime.presence import WorkerPresence
from tests.support.asset_samples import now_ms
from tests.support.background import background_threads
from tests.support.jobs.job_log import asset_job

ASSETS = [mint_at(1_700_000_000_000 + number) for number in range(8)]
CHUNKS = [ASSETS[0:2], ASSETS[2:4], ASSETS[4:6], ASSETS[6:8]]
#: The last asset has no result yet.
OUTCOMES = dict(zip(ASSETS, ["changed", "failed", "done", "failed", "failed", "skipped", "failed"], strict=False))


@pytest.fixture
def steer(store_profile: Adapters) -> JobControl:
    return _steering(store_profile, store_profile.chunks)


def _steering(s: Adapters, chunks: JobChunks) -> JobControl:
    presence = WorkerPresence(cache=MemoryCache(), background=background_threads())
    return JobControl(
        jobs=s.jobs, dead_letters=s.dead_letters, chunks=chunks, controllers=(), presence=presence, clock=SystemClock()
    )


@pytest.fixture
def admin(store_profile: Adapters) -> DeadLetterAdmin:
    return DeadLetterAdmin(
        dead_letters=store_profile.dead_letters,
        queue=store_profile.queue,
        jobs=store_profile.jobs,
        chunks=store_profile.chunks,
        clock=SystemClock(),
    )


def _ended(store_profile: Adapters, state: JobState, *, dry_run: bool = False) -> Job:
    """A job of which one chunk was settled when it ended."""
    job = asset_job(parameters=AssetJobParameters(selector=Selector(), dry_run=dry_run))
    store_profile.jobs.add(job)
    for number, ids in enumerate(CHUNKS):
        store_profile.chunks.begin(Chunk(job_id=job.id, number=number, ids=tuple(ids), position=str(number)))
        for asset_id in ids:
            if asset_id in OUTCOMES:
                _record(store_profile, job, number, asset_id, dry_run=dry_run)
    counts = dict.fromkeys(ItemOutcome, 0) | {ItemOutcome.CHANGED: 1, ItemOutcome.FAILED: 1}
    progress = JobProgress(documents=100, done=2, counts=counts, rate=38.0, remaining_s=77)
    store_profile.jobs.save_progress(job.id, progress, AssetCheckpoint(settled=1))
    store_profile.jobs.set_state(job.id, state, ended_ms=now_ms())
    return job


def _record(store_profile: Adapters, job: Job, number: int, asset_id: UUID, *, dry_run: bool) -> None:
    result = ItemResult(ItemOutcome(OUTCOMES[asset_id]), "why")
    if result.outcome is ItemOutcome.FAILED and not dry_run:
        event = JobItem(job_id=job.id, chunk=number, asset_id=asset_id)
        store_profile.dead_letters.put(
            dead_letter_for(Topic.BULK, event, orjson.dumps(message_json(event)), "why", "", now_ms())
        )
    store_profile.chunks.record(job.id, {number: {asset_id: result}})


def _counts(steer: JobControl, job: Job) -> Mapping[str, int]:
    """They are the same in lists, and add up to how many assets were taken up."""
    progress = steer.get(job.id, Principal()).job.progress
    [listed] = [status.job.progress for status in steer.page(None, 200, Principal()) if status.job.id == job.id]
    assert listed == progress
    counts: dict[str, int] = {outcome: count for outcome, count in (progress.counts or {}).items() if count}
    assert progress.done is not None
    assert progress.documents is not None
    assert sum(counts.values()) == progress.done <= progress.documents
    return counts


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_every_result_counts_of_a_job_that_ended_early(
    store_profile: Adapters, steer: JobControl, state: JobState
) -> None:
    job = _ended(store_profile, state)
    assert _counts(steer, job) == {"changed": 1, "done": 1, "skipped": 1, "failed": 4}
    found, following = steer.results(job.id, 0, 100, Principal())
    assert following is None
    assert {asset_id for asset_id, _ in found} == {ASSETS[1], ASSETS[3], ASSETS[4], ASSETS[6]}
    assert store_profile.dead_letters.count(job.id) == 4


class _CountingChunks:
    """Chunks of jobs, and how many reads there were of each job."""

    def __init__(self, chunks: JobChunks) -> None:
        self._chunks = chunks
        self.reads: Counter[UUID] = Counter()

    def get(self, job_id: UUID, number: int) -> Chunk | None:
        self.reads[job_id] += 1
        return self._chunks.get(job_id, number)

    def results(self, job_id: UUID, number: int) -> dict[UUID, ItemResult]:
        self.reads[job_id] += 1
        return self._chunks.results(job_id, number)


def test_a_list_of_jobs_that_ended_early_reads_the_chunks_of_a_few(
    fresh_store_profile: Adapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amp.services.jobs.control._MAX_COUNTED", 2)
    made = [_ended(fresh_store_profile, JobState.FAILED) for _ in range(4)][::-1]
    chunks: Any = _CountingChunks(fresh_store_profile.chunks)
    steer = _steering(fresh_store_profile, chunks)
    listed = [status.job for status in steer.page(None, 200, Principal())]
    assert [job.id for job in listed] == [job.id for job in made]
    assert set(chunks.reads) == {job.id for job in made[:2]}, "the newest"
    assert listed[0].progress == steer.get(made[0].id, Principal()).job.progress
    # What is there without reading the chunks.
    assert {name: n for name, n in listed[3].progress.counts.items() if n} == {"changed": 1, "failed": 1}
    counts = steer.get(made[3].id, Principal()).job.progress.counts
    assert counts is not None
    assert counts[ItemOutcome.FAILED] == 4


def test_no_failure_vanishes_when_dead_letters_are_discarded(
    store_profile: Adapters, steer: JobControl, admin: DeadLetterAdmin
) -> None:
    job = _ended(store_profile, JobState.FAILED)
    one = steer.results(job.id, 0, 100, Principal())[0][0]
    [letter] = [
        letter
        for letter in admin.page(DeadLetterFilter(job_id=job.id), None, 9, Principal()).dead_letters
        if _asset(letter) == one[0]
    ]
    assert admin.discard(DeadLetterFilter(ids=[letter.id]), BUCKET_WORKER) == 1
    assert _counts(steer, job) == {"changed": 1, "done": 1, "skipped": 1, "failed": 3, "resolved": 1}
    assert one not in steer.results(job.id, 0, 100, Principal())[0]
    assert admin.discard(DeadLetterFilter(job_id=job.id), BUCKET_WORKER) == 3
    assert _counts(steer, job) == {"changed": 1, "done": 1, "skipped": 1, "resolved": 4}
    assert steer.results(job.id, 0, 100, Principal()) == ([], None)


class _RenewingLetters:
    """Dead letters of which one is put again just before any are removed."""

    def __init__(self, letters: DeadLetters, renewed: DeadLetter) -> None:
        self._letters = letters
        self._renewed = renewed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._letters, name)

    def remove_unchanged(self, letters: Collection[DeadLetter]) -> None:
        self._letters.put(self._renewed)
        self._letters.remove_unchanged(letters)


def test_a_failure_that_comes_again_while_it_is_discarded_stays(store_profile: Adapters, steer: JobControl) -> None:
    s, job = store_profile, _ended(store_profile, JobState.FAILED)
    [renewed, *_] = s.dead_letters.page(job_id=job.id, position=None, limit=9).dead_letters
    letters: Any = _RenewingLetters(s.dead_letters, renewed)
    admin = DeadLetterAdmin(dead_letters=letters, queue=s.queue, jobs=s.jobs, chunks=s.chunks, clock=SystemClock())
    assert admin.discard(DeadLetterFilter(job_id=job.id), Principal("ann")) == 3
    history = [note.text for note in steer.get(job.id, Principal()).job.history]
    assert history[-1] == "3 dead letters discarded by ann"
    assert [asset_id for asset_id, _ in steer.results(job.id, 0, 100, Principal())[0]] == [_asset(renewed)]
    assert _counts(steer, job) == {"changed": 1, "done": 1, "skipped": 1, "failed": 1, "resolved": 3}


def test_a_discard_leaves_nothing_of_a_forgotten_job(store_profile: Adapters, admin: DeadLetterAdmin) -> None:
    job = _ended(store_profile, JobState.FAILED)
    store_profile.chunks.forget(job.id, range(len(CHUNKS)))
    store_profile.jobs.forget(job.id)
    assert admin.discard(DeadLetterFilter(job_id=job.id), BUCKET_WORKER) == 4
    assert [store_profile.chunks.results(job.id, number) for number in range(len(CHUNKS))] == [{}] * len(CHUNKS)


def test_failures_of_a_dry_run_stay_failures(store_profile: Adapters, steer: JobControl) -> None:
    job = _ended(store_profile, JobState.FAILED, dry_run=True)
    assert _counts(steer, job) == {"changed": 1, "done": 1, "skipped": 1, "failed": 4}


def test_a_job_that_does_not_run_has_no_speed(store_profile: Adapters, steer: JobControl) -> None:
    progress = steer.get(_ended(store_profile, JobState.CANCELLED).id, Principal()).job.progress
    assert (progress.rate, progress.remaining_s) == (None, None)


def _asset(letter: Any) -> UUID:
    found: UUID = letter.message.asset_id
    return found
