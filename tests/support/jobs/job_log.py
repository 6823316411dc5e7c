"""Jobs in a log of jobs, as tests add and read them."""

from typing import Any
from uuid import UUID

from amp.domain.ids import mint_at
from amp.domain.job_parameters import AssetJobParameters, MoveParameters
from amp.domain.jobs import AssetJob, Job, MoveJob, Note, NoteKind
from amp.domain.selectors import Selector
from amp.ports.job_log import JobLog
from tests.support.asset_samples import now_ms


def asset_job(**values: Any) -> AssetJob:
    """Return a job over all assets, with these values."""
    parameters = AssetJobParameters(selector=Selector())
    base = {"id": mint_at(now_ms()), "kind": "delete", "parameters": parameters, "requested_by": "ann"}
    return AssetJob(**base | values)


def move_job(**values: Any) -> MoveJob:
    """Return a move, with these values."""
    parameters = MoveParameters(bucket="b1")
    base = {"id": mint_at(now_ms()), "kind": "split", "parameters": parameters, "requested_by": "ann"}
    return MoveJob(**base | values)


def note(at_ms: int, text: str) -> Note:
    return Note(at_ms, NoteKind.OTHER, text)


def added(jobs: JobLog, **values: Any) -> AssetJob:
    job = asset_job(**values)
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
