"""Jobs are kept for as long as the settings say, and those that go on for as long as they do."""

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from amp.adapters.clock import SystemClock
from amp.adapters.embedded.database import Database
from amp.adapters.embedded.found_ids import SqliteFoundIds
from amp.adapters.embedded.job_chunks import SqliteJobChunks
from amp.adapters.embedded.job_ids import SqliteJobIds
from amp.adapters.embedded.job_log import SqliteJobLog
from amp.adapters.embedded.store_component import SqliteStoreComponent
from amp.domain.chunks import Chunk, ItemOutcome, ItemResult
from amp.domain.ids import mint_at
from amp.domain.jobs import AssetCheckpoint, Job, JobState
from amp.services.jobs.retention import JobExpiry
from tests.support.jobs.job_log import asset_job

DAY_MS = 86_400_000


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(tmp_path)
    with closing(SqliteStoreComponent(found)) as part:
        part.migrate()
        yield found


@pytest.fixture
def jobs(database: Database) -> SqliteJobLog:
    return SqliteJobLog(database)


def test_what_ended_long_ago_is_forgotten_and_what_goes_on_is_not(jobs: SqliteJobLog, database: Database) -> None:
    clock = SystemClock()
    now_ms = clock.now_ms()
    ages = {"old": 91, "older": 400, "young": 89, "going on": 91}
    made = {
        name: asset_job(
            id=mint_at(now_ms - days * DAY_MS),
            state=JobState.RUNNING if name == "going on" else JobState.COMPLETED,
        )
        for name, days in ages.items()
    }
    for job in made.values():
        jobs.add(job)
    forget = forgetting(database, clock, 90 * DAY_MS / 1000)
    for _ in range(10):
        forget.run()
    assert {name for name, job in made.items() if jobs.get(job.id) is not None} == {"young", "going on"}


def test_it_looks_no_more_than_once_an_hour(jobs: SqliteJobLog, database: Database) -> None:
    clock = SystemClock()
    forget = forgetting(database, clock, 0)
    forget.run()
    job = asset_job(
        id=mint_at(clock.now_ms() - DAY_MS),
        state=JobState.COMPLETED,
    )
    jobs.add(job)
    for _ in range(5):
        forget.run()
    assert jobs.get(job.id) is not None


def test_everything_of_a_job_goes_with_it_and_nothing_of_others(
    jobs: SqliteJobLog, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amp.services.jobs.retention._CHUNKS_AT_ONCE", 2)
    chunks, ids, found = SqliteJobChunks(database), SqliteJobIds(database), SqliteFoundIds(database)
    clock = SystemClock()
    old, young = (old_job(jobs, clock, settled=5, days=days) for days in (91, 1))
    for job in (old, young):
        ids.keep(job.id, [[job.id]])
        found.add(job.id, 20_000, [job.id])
        # Of those settled some are gone; some were never settled.
        for number in (1, 3, 4, 5, 6):
            chunks.begin(Chunk(job_id=job.id, number=number, ids=(job.id,)))
            chunks.record(job.id, {number: {job.id: ItemResult(ItemOutcome.FOUND, "x")}})
    forget = forgetting(database, clock, 90 * DAY_MS / 1000)
    steps = 0
    while jobs.get(old.id) is not None:
        forget.run()
        steps += 1
        # Whoever goes on after a death finds where they end.
        left = [number for number in range(9) if chunks.get(old.id, number) is not None]
        assert left == [number for number in (1, 3, 4, 5, 6) if number < len_of(left)]
        if steps == 2:
            forget = forgetting(database, clock, 90 * DAY_MS / 1000)
    assert steps >= 4
    with database.reading() as connection:
        for table in ("job_chunks", "job_results", "job_ids", "found_ids", "job_notes"):
            job_ids = {row[0] for row in connection.execute(f"SELECT job_id FROM {table}")}
            assert job_ids <= {young.id.bytes}, table
            assert job_ids or table == "job_notes"


def test_one_that_cannot_be_forgotten_keeps_no_other(jobs: SqliteJobLog, database: Database) -> None:
    clock = SystemClock()
    bad, good = old_job(jobs, clock, settled="five"), old_job(jobs, clock, settled=0)  # type: ignore[arg-type]
    forget = forgetting(database, clock, 90 * DAY_MS / 1000)
    for _ in range(10):
        with suppress(TypeError):
            forget.run()
    assert (jobs.get(bad.id) is None, jobs.get(good.id) is None) == (False, True)


@pytest.mark.parametrize("retention_s", [2e9, 1e15, float("inf")])
def test_jobs_may_be_kept_for_ever(jobs: SqliteJobLog, database: Database, retention_s: float) -> None:
    clock = SystemClock()
    job = old_job(jobs, clock, settled=0)
    forget = forgetting(database, clock, retention_s)
    for _ in range(5):
        forget.run()
    assert jobs.get(job.id) is not None


def forgetting(database: Database, clock: SystemClock, retention_s: float) -> JobExpiry:
    return JobExpiry(
        SqliteJobLog(database),
        SqliteJobChunks(database),
        SqliteJobIds(database),
        SqliteFoundIds(database),
        clock,
        retention_s,
    )


def len_of(left: list[int]) -> int:
    """One more than the last of them."""
    return left[-1] + 1 if left else 0


def old_job(jobs: SqliteJobLog, clock: SystemClock, *, settled: int, days: int = 91) -> Job:
    job = asset_job(
        id=mint_at(clock.now_ms() - days * DAY_MS),
        state=JobState.COMPLETED,
        checkpoint=AssetCheckpoint(settled=settled),
    )
    jobs.add(job)
    return job
