"""Jobs in a log of jobs, as tests add and read them."""

from typing import Any
from uuid import UUID

from amp.domain.ids import mint_at
from amp.domain.jobs import Job
from amp.ports.job_log import JobLog
from tests.support.asset_samples import now_ms


def a_job(**values: Any) -> Job:
    base = {"id": mint_at(now_ms()), "kind": "move", "parameters": {"bucket": 7}, "requested_by": "ann"}
    return Job(**base | values)


def added(jobs: JobLog, **values: Any) -> Job:
    job = a_job(**values)
    jobs.add(job)
    return job


def stored(jobs: JobLog, job_id: UUID) -> Job:
    job = jobs.get(job_id)
    assert job is not None
    return job


def all_ids(jobs: JobLog, limit: int) -> list[UUID]:
    """By pages of `limit`."""
    found: list[UUID] = []
    while page := jobs.page(found[-1] if found else None, limit):
        assert len(page) <= limit
        assert page[0].id not in found, "a page starts over"
        found += [job.id for job in page]
    return found
