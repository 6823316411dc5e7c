"""The contract of the log of jobs, over every adapter."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from amp.domain.chunks import ItemOutcome
from amp.domain.ids import mint_at
from amp.domain.job_parameters import AssetJobParameters
from amp.domain.jobs import AssetCheckpoint, JobProgress, JobState, Note, NoteKind
from amp.domain.selectors import Selector
from amp.errors import InvalidId
from amp.ports.job_log import JobLog
from amp.profiles import Adapters
from tests.support.asset_samples import at_once, now_ms
from tests.support.jobs.job_log import added, all_ids, asset_job, note, stored


@pytest.fixture
def jobs(store_profile: Adapters) -> JobLog:
    return store_profile.jobs


def done(number: int) -> JobProgress:
    return JobProgress(done=number)


def at(number: int, **values: Any) -> AssetCheckpoint:
    return AssetCheckpoint(settled=number, **values)


def test_a_new_job_is_read_back_as_it_was_added(jobs: JobLog) -> None:
    plain = added(jobs)
    assert jobs.get(plain.id) == plain
    full = added(
        jobs,
        parameters=AssetJobParameters(
            selector=Selector(query="ü 日本 'q\";--"), dry_run=True, sample=7, max_failures=0, about=2**53
        ),
        state=JobState.FAILED,
        reason="no room",
        ended_ms=now_ms(),
        rate=0.5,
        progress=JobProgress(done=2**53, rate=0.5, counts={ItemOutcome.FAILED: 3}),
        checkpoint=at(4, counts={ItemOutcome.FOUND: 2}, position="x", exhausted=True),
        history=(Note(1, NoteKind.SUBMITTED, "one"), Note(2, NoteKind.INCOMPLETE, "two")),
    )
    assert jobs.get(full.id) == full


def test_a_job_nobody_added_is_none_and_no_change_makes_it(jobs: JobLog) -> None:
    job_id = mint_at(now_ms())
    assert jobs.get(job_id) is None
    jobs.save_progress(job_id, done(1), at(1))
    jobs.set_state(job_id, JobState.PAUSED)
    jobs.set_rate(job_id, 5)
    jobs.note(job_id, note(1, "a note"))
    assert jobs.get(job_id) is None
    assert job_id not in all_ids(jobs, 100)


def test_adding_a_job_again_changes_nothing(jobs: JobLog) -> None:
    job = added(jobs, history=(note(1, "asked for"),))
    jobs.save_progress(job.id, done(1), at(1))
    jobs.set_state(job.id, JobState.PAUSED, reason="lunch")
    jobs.set_rate(job.id, 5)
    before = stored(jobs, job.id)
    jobs.add(job)
    assert stored(jobs, job.id) == before
    assert all_ids(jobs, 100).count(job.id) == 1


def test_an_id_without_a_time_is_refused(jobs: JobLog) -> None:
    without = UUID("6f5902ac-2371-4c2b-9d2f-1a2b3c4d5e6f")
    with pytest.raises(InvalidId):
        jobs.add(asset_job(id=without))
    with pytest.raises(InvalidId):
        jobs.page(without, 10)


def test_saving_progress_replaces_it_and_leaves_the_rest_alone(jobs: JobLog) -> None:
    job = added(jobs)
    jobs.set_state(job.id, JobState.PAUSED, reason="lunch")
    jobs.set_rate(job.id, 5)
    jobs.save_progress(job.id, done(1), at(1))
    jobs.save_progress(job.id, done(2), at(0))
    assert jobs.get(job.id) == asset_job(
        id=job.id, state=JobState.PAUSED, reason="lunch", rate=5, progress=done(2), checkpoint=at(0)
    )


def test_a_checkpoint_is_replaced_only_where_it_is_the_one_expected(jobs: JobLog) -> None:
    job = added(jobs)
    first = at(1, counts={ItemOutcome.SKIPPED: 1, ItemOutcome.DONE: 2})
    assert jobs.save_progress(job.id, done(1), first, expected=AssetCheckpoint())
    read = stored(jobs, job.id).checkpoint
    assert not jobs.save_progress(job.id, done(9), at(9), expected=AssetCheckpoint())
    assert not jobs.save_progress(job.id, done(9), at(9), expected=replace(read, settled=2))
    assert stored(jobs, job.id).progress == done(1)
    assert jobs.save_progress(job.id, done(2), at(2), expected=read)
    assert jobs.save_progress(job.id, done(3), at(2), expected=at(2))
    assert jobs.get(job.id) == asset_job(id=job.id, progress=done(3), checkpoint=at(2))


def test_the_checkpoint_of_a_job_that_has_ended_or_is_gone_is_not_replaced(jobs: JobLog) -> None:
    job = added(jobs)
    jobs.set_state(job.id, JobState.CANCELLED, ended_ms=5)
    before = stored(jobs, job.id)
    for expected in (None, AssetCheckpoint()):
        assert not jobs.save_progress(job.id, done(1), at(1), expected=expected)
        assert not jobs.save_progress(mint_at(now_ms()), done(1), at(1), expected=expected)
    assert stored(jobs, job.id) == before


def test_of_many_that_replace_one_checkpoint_at_once_one_does(jobs: JobLog) -> None:
    job, before = added(jobs), AssetCheckpoint()
    for _ in range(5):
        calls = [partial(jobs.save_progress, job.id, done(n), at(n), expected=before) for n in range(1, 7)]
        saved = at_once(calls)
        assert sum(saved) == 1
        before = at(saved.index(True) + 1)
        assert stored(jobs, job.id).checkpoint == before
        assert jobs.save_progress(job.id, JobProgress(), at(9), expected=before)
        before = at(9)


def test_setting_the_state_leaves_progress_and_rate_alone(jobs: JobLog) -> None:
    job = added(jobs, rate=5.5, progress=done(1), checkpoint=at(1))
    jobs.set_state(job.id, JobState.COMPLETED, ended_ms=77)
    assert jobs.get(job.id) == asset_job(
        id=job.id, state=JobState.COMPLETED, ended_ms=77, rate=5.5, progress=done(1), checkpoint=at(1)
    )


def test_a_state_comes_with_its_own_reason_and_end(jobs: JobLog) -> None:
    job = added(jobs)
    jobs.set_state(job.id, JobState.FAILED, reason="no room", ended_ms=77)
    assert jobs.get(job.id) == asset_job(id=job.id, state=JobState.FAILED, reason="no room", ended_ms=77)


def test_a_state_changes_only_from_the_state_that_is_expected(jobs: JobLog) -> None:
    job = added(jobs)
    assert not jobs.set_state(job.id, JobState.RUNNING, expected=JobState.PAUSED, reason="resumed")
    assert jobs.get(job.id) == job
    assert jobs.set_state(job.id, JobState.PAUSED, expected=JobState.RUNNING, reason="lunch")
    assert not jobs.set_state(job.id, JobState.PAUSED, expected=JobState.RUNNING, reason="dinner")
    assert stored(jobs, job.id).reason == "lunch"
    assert jobs.set_state(job.id, JobState.RUNNING, expected=JobState.PAUSED)
    assert jobs.get(job.id) == job


@pytest.mark.parametrize("end", [state for state in JobState if state.ended])
def test_a_job_that_has_ended_never_changes_again(jobs: JobLog, end: JobState) -> None:
    job = added(jobs, rate=1.5)
    assert jobs.set_state(job.id, end, reason="over", ended_ms=5)
    ended = stored(jobs, job.id)
    for state in JobState:
        for expected in (None, *JobState):
            assert not jobs.set_state(job.id, state, expected=expected, reason="again", ended_ms=6)
    jobs.save_progress(job.id, done(1), at(1))
    assert not jobs.set_rate(job.id, 9)
    assert stored(jobs, job.id) == ended


def test_of_many_that_end_a_job_at_once_one_does(jobs: JobLog) -> None:
    for _ in range(10):
        job = added(jobs)
        ends = [JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED] * 2
        calls = [partial(jobs.set_state, job.id, end, reason=str(n), ended_ms=n) for n, end in enumerate(ends)]
        done = at_once(calls)
        assert sum(done) == 1
        won = done.index(True)
        found = stored(jobs, job.id)
        assert (found.state, found.reason, found.ended_ms) == (ends[won], str(won), won)


def test_a_rate_is_set_and_lifted(jobs: JobLog) -> None:
    job = added(jobs, progress=done(1))
    jobs.set_rate(job.id, 0.25)
    assert jobs.get(job.id) == asset_job(id=job.id, progress=done(1), rate=0.25)
    jobs.set_rate(job.id, None)
    assert jobs.get(job.id) == job


def test_concurrent_saves_and_controls_never_undo_each_other(jobs: JobLog) -> None:
    job = added(jobs)

    def repeated(call: Callable[[int], None]) -> None:
        for number in range(1, 11):
            call(number)

    calls: list[Callable[[int], None]] = [
        lambda n: jobs.save_progress(job.id, done(n), at(n)),
        lambda n: jobs.set_state(job.id, JobState.PAUSED, reason=str(n)),
        lambda n: jobs.set_rate(job.id, n),
        lambda n: jobs.note(job.id, note(n, "a note")),
    ]
    at_once([partial(repeated, call) for call in calls])
    assert jobs.get(job.id) == asset_job(
        id=job.id,
        state=JobState.PAUSED,
        reason="10",
        rate=10,
        progress=done(10),
        checkpoint=at(10),
        history=tuple(note(n, "a note") for n in range(1, 11)),
    )


def test_notes_are_in_the_order_of_their_times_and_the_same_note_is_one(jobs: JobLog) -> None:
    job = added(jobs)
    for at_ms, text in [(30, "third"), (10, "first"), (20, "ü" * 10_000), (10, "first"), (30, "another")]:
        jobs.note(job.id, note(at_ms, text))
    history = stored(jobs, job.id).history
    assert history[:2] == (note(10, "first"), note(20, "ü" * 10_000))
    assert sorted(note.text for note in history[2:]) == ["another", "third"]
    assert {note.at_ms for note in history[2:]} == {30}


def test_a_change_and_its_note_are_one_step(jobs: JobLog) -> None:
    job = added(jobs, history=(note(1, "asked for"),))
    assert jobs.set_state(job.id, JobState.PAUSED, expected=JobState.RUNNING, note=note(3, "paused"))
    assert not jobs.set_state(job.id, JobState.PAUSED, expected=JobState.RUNNING, note=note(4, "too late"))
    assert jobs.set_rate(job.id, 5, note(2, "rate set"))
    jobs.note(job.id, note(5, "a note"))
    assert jobs.set_state(job.id, JobState.FAILED, reason="no room", ended_ms=6, note=note(6, "failed"))
    assert not jobs.set_rate(job.id, 9, note(7, "too late"))
    assert not jobs.set_state(job.id, JobState.CANCELLED, note=note(8, "too late"))
    texts = ["asked for", "rate set", "paused", "a note", "failed"]
    assert stored(jobs, job.id).history == tuple(
        note(at_ms, text) for at_ms, text in zip((1, 2, 3, 5, 6), texts, strict=True)
    )
    assert [found.history for found in jobs.page(None, 100) if found.id == job.id] == [()]


def test_of_two_that_change_a_state_alike_at_once_one_leaves_its_note(jobs: JobLog) -> None:
    for _ in range(20):
        job, notes = added(jobs), [note(n, f"paused by {n}") for n in range(6)]
        done = at_once([
            partial(jobs.set_state, job.id, JobState.PAUSED, expected=JobState.RUNNING, note=note) for note in notes
        ])  # fmt: skip
        assert sum(done) == 1
        assert stored(jobs, job.id).history == (notes[done.index(True)],)


def test_notes_belong_to_one_job(jobs: JobLog) -> None:
    one, two = added(jobs), added(jobs)
    jobs.note(one.id, note(1, "of one"))
    assert stored(jobs, one.id).history == (note(1, "of one"),)
    assert stored(jobs, two.id).history == ()
