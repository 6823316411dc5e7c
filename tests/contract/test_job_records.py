"""The parameters, progress and checkpoints of jobs are read back as they were saved, over every adapter."""

from dataclasses import replace

import pytest

from amp.domain.documents import Position
from amp.domain.job_parameters import AssetJobParameters, CheckOptions, MoveParameters, Options, PurgeOptions
from amp.domain.jobs import JobProgress, MoveCheckpoint
from amp.domain.metadata_updates import MetadataUpdate
from amp.domain.refills import Refill
from amp.domain.selectors import Selector
from amp.ports.job_log import JobLog
from amp.profiles import Adapters
from tests.support.jobs.job_log import added, move_job


@pytest.fixture
def jobs(store_profile: Adapters) -> JobLog:
    return store_profile.jobs


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (
            "update-metadata",
            MetadataUpdate(set={"a": [1, 2.5, None, "ü"], "b": True}, remove=["c"], rename={"d": "e"}, copy={"f": "g"}),
        ),
        ("update-metadata", MetadataUpdate(remove=["c"])),
        ("check", CheckOptions(deep=True)),
        ("fix", CheckOptions()),
        ("purge", PurgeOptions(retention_s=0)),
        ("purge", PurgeOptions()),
    ],
)
def test_the_options_of_every_kind_are_read_back(jobs: JobLog, kind: str, options: Options) -> None:
    refill = Refill(index="i", loss_generation=3, start_s=0, end_s=None)
    parameters = AssetJobParameters(selector=Selector(type="movie", to_ms=5), options=options, refills=refill)
    job = added(jobs, kind=kind, parameters=parameters)
    assert jobs.get(job.id) == job


def test_a_move_is_read_back_as_it_was_saved(jobs: JobLog) -> None:
    job = move_job(parameters=MoveParameters(bucket="b7", at_ms=1_700_000_000_000))
    jobs.add(job)
    assert jobs.get(job.id) == job
    progress = JobProgress(documents=9, done=3, rate=0.5, remaining_s=12.5, held_s=0.25)
    checkpoint = MoveCheckpoint(first_mark="m", after=Position(1, "a", 2, 3), mark="n", attempts=2)
    assert jobs.save_progress(job.id, progress, checkpoint)
    assert jobs.get(job.id) == replace(job, progress=progress, checkpoint=checkpoint)
