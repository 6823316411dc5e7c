"""Work that no worker does is named: by /readyz, by the job itself, and by `amp doctor`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from amp.api.app import create_app
from amp.domain.moves import MoveKind
from amp.domain.selectors import Selector
from amp.services.jobs.submit import JobRequest
from amp.worker import WorkerThreads
from tests.support.service.amp_command import amp_command
from tests.support.service.rest import Rest
from tests.support.service.wired import PRINCIPAL, Wired, wired
from tests.support.stack.waiting import wait_until


@pytest.fixture(params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Mapping[str, object]:
    """Of one set; no worker runs."""
    own: Mapping[str, object] = {"AMP_DATA_DIR": tmp_path}
    return own if request.param == "embedded" else request.getfixturevalue("fresh_cluster_settings")


@pytest.fixture
def environment(settings: Mapping[str, object]) -> Iterator[Wired]:
    with wired(settings) as found:
        yield found


def test_readyz_names_the_changes_jobs_and_moves_that_no_worker_takes_up(environment: Wired) -> None:
    own_processes = environment.amp.settings.profile == "cluster"
    rest = Rest(create_app(environment.amp))
    environment.create("one")
    environment.create("two")
    assert environment.amp.adapters.queue.flush(10)
    move = environment.amp.moves.planning.start(MoveKind.REBUILD, "19700101000000", None, None, PRINCIPAL)
    job = environment.amp.jobs.submission.submit(JobRequest(kind="reindex", selector=Selector()), PRINCIPAL)
    health = rest.get("/readyz").get_json()
    assert health["status"] == "degraded"
    details = {work["name"]: work["detail"] for work in health["work"]}
    assert set(health["degraded"]) == set(details)
    expected = {"index worker", f"job {job.id}", f"job {move.id}"}
    assert set(details) == expected | ({"relay", "bucket worker"} if own_processes else set())
    remedy = "run `amp worker {}`" if own_processes else "run `amp serve`"
    assert details["index worker"] == f"none runs; 2 changes wait to be indexed: {remedy.format('index')}"
    assert details[f"job {move.id}"] == f"rebuild waits for a worker: {remedy.format('bucket')}"
    both = "run `amp worker extract` and `amp worker job`" if own_processes else remedy
    assert details[f"job {job.id}"] == f"reindex waits for a worker: {both}"
    assert rest.get(f"/v1/admin/jobs/{job.id}").get_json()["waits_for"] == ["extract", "job"]
    assert rest.get(f"/v1/admin/jobs/{move.id}").get_json()["waits_for"] == ["bucket"]
    paused = rest.post(f"/v1/admin/jobs/{job.id}/pause").get_json()
    assert (paused["state"], paused["waits_for"]) == ("paused", [])
    threads = WorkerThreads(environment.amp.background, environment.amp.workers)
    threads.start()
    try:
        wait_until(lambda: rest.get("/readyz").get_json()["work"] == [], 60, "the workers to be known")
    finally:
        threads.stop(20)


def test_doctor_names_what_a_killed_server_left(tmp_path: Path) -> None:
    env = {"AMP_DATA_DIR": tmp_path}
    with wired(env) as environment:
        environment.create("one")
        job = environment.amp.jobs.submission.submit(JobRequest(kind="reindex", selector=Selector()), PRINCIPAL)
    result = amp_command("doctor", "--json", env=env)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["advice"] == [
        "index worker: none runs; 1 change waits to be indexed: run `amp serve`",
        f"job {job.id}: reindex waits for a worker: run `amp serve`",
    ]


def test_a_resumed_job_says_when_it_continues_where_no_server_runs(tmp_path: Path) -> None:
    env = {"AMP_DATA_DIR": tmp_path}
    with wired(env) as environment:
        environment.create("one")
        job = environment.amp.jobs.submission.submit(
            JobRequest(kind="reindex", selector=Selector(), rate=0.001), PRINCIPAL
        )
        environment.amp.jobs.control.pause(job.id, PRINCIPAL)
    resumed = amp_command("admin", "jobs", "resume", job.id, env=env)
    assert resumed.exit_code == 0
    assert f"job {job.id} continues with the next command or server on this data folder" in resumed.stderr
