"""While no index worker runs, jobs that wait for one hold up nobody else, and end once one runs again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from amp.domain.assets import Asset
from amp.domain.chunks import ItemOutcome
from amp.domain.jobs import Job, JobState
from amp.domain.principals import Principal
from amp.domain.selectors import Selector
from amp.services.jobs.submit import JobRequest
from amp.worker import WorkerThreads
from tests.support.service.wired import PRINCIPAL, Wired, wired
from tests.support.stack.waiting import wait_until

DEADLINE_S = 60


@pytest.fixture(params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def either(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wired]:
    monkeypatch.setattr("amp.services.indexing.wait._PATIENCE_S", 1.0)
    monkeypatch.setattr("amp.services.jobs.send_chunks._LOST_S", 1.0)
    own = {"data_dir": tmp_path}
    settings = own if request.param == "embedded" else request.getfixturevalue("fresh_cluster_settings")
    with wired({"intent_grace_s": "0.1", **settings}) as environment:
        yield environment


@contextmanager
def working(environment: Wired, *kinds: str) -> Iterator[None]:
    threads = WorkerThreads(environment.amp.background, {kind: environment.amp.workers[kind] for kind in kinds})
    threads.start()
    try:
        yield
    finally:
        threads.stop(20)


def started(environment: Wired, kind: str, assets: Sequence[Asset]) -> Job:
    order = JobRequest(kind=kind, selector=Selector(), ids=[asset.id for asset in assets])
    return environment.amp.jobs.submission.submit(order, PRINCIPAL)


def found_of(environment: Wired, job: Job) -> Job:
    found = environment.amp.adapters.jobs.get(job.id)
    assert found is not None
    return found


def state_of(environment: Wired, job: Job) -> JobState:
    return found_of(environment, job).state


def test_a_check_that_waits_for_index_workers_holds_up_no_other_job(either: Wired) -> None:
    assets = [either.create(f"asset {n}") for n in range(3)]
    with working(either, "extract", "job"):
        check = started(either, "check", assets)
        wait_until(lambda: either.amp.adapters.chunks.get(check.id, 0) is not None, DEADLINE_S, "the check to begin")
        deletion = started(either, "delete", assets[:1])
        wait_until(lambda: state_of(either, deletion) is JobState.COMPLETED, DEADLINE_S, "the deletion")
        status = either.amp.jobs.control.get(check.id, Principal())
        assert (status.job.state, status.waits_for) == (JobState.RUNNING, ("index",))
        with working(either, "index"):
            wait_until(lambda: state_of(either, check) is JobState.COMPLETED, DEADLINE_S, "the check")
    assert found_of(either, check).progress.counts == dict.fromkeys(ItemOutcome, 0) | {ItemOutcome.DONE: 3}
