"""Jobs are kept for as long as the settings say, and those that go on for as long as they do."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from amp.adapters.clock import SystemClock
from amp.adapters.embedded.database import Database
from amp.adapters.embedded.job_log import SqliteJobLog
from amp.adapters.embedded.store_part import SqliteStorePart
from amp.domain.ids import mint_at
from amp.domain.jobs import Job, JobState
from amp.services.forget_jobs import ForgetJobs

DAY_MS = 86_400_000


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[SqliteJobLog]:
    database = Database(tmp_path)
    with closing(SqliteStorePart(database)) as part:
        part.migrate()
        yield SqliteJobLog(database)


def test_what_ended_long_ago_is_forgotten_and_what_goes_on_is_not(jobs: SqliteJobLog) -> None:
    clock = SystemClock()
    now_ms = clock.now_ms()
    ages = {"old": 91, "older": 400, "young": 89, "going on": 91}
    made = {
        name: Job(
            id=mint_at(now_ms - days * DAY_MS),
            kind="reindex",
            parameters={},
            requested_by="tester",
            state=JobState.RUNNING if name == "going on" else JobState.COMPLETED,
        )
        for name, days in ages.items()
    }
    for job in made.values():
        jobs.add(job)
    ForgetJobs(jobs, clock, 90 * DAY_MS / 1000).run()
    assert {name for name, job in made.items() if jobs.get(job.id) is not None} == {"young", "going on"}


def test_it_looks_no_more_than_once_an_hour(jobs: SqliteJobLog) -> None:
    clock = SystemClock()
    forget = ForgetJobs(jobs, clock, 0)
    forget.run()
    job = Job(
        id=mint_at(clock.now_ms() - DAY_MS),
        kind="reindex",
        parameters={},
        requested_by="tester",
        state=JobState.COMPLETED,
    )
    jobs.add(job)
    forget.run()
    assert jobs.get(job.id) is not None
