"""Whatever dies while jobs run beside live traffic: each job ends complete, and changes each asset exactly once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from tests.chaos.servers.environment import Environment
from tests.support.fault_campaign import KILLS, rng, tell
from tests.support.service.processes import AmpProcess
from tests.support.stack.waiting import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

_TYPE = "job_clip"
_KILLS = max(3, KILLS * 3 // 5)
#: So many that the job outlasts the kills.
_ASSETS_A_KILL, _RATE = 600, 200
_BULK = 1_000
_ENDS_S = 600


@contextmanager
def job_processes(environment: Environment) -> Iterator[dict[str, AmpProcess]]:
    """One extractor and two job workers beside the service."""
    service, folder = environment.service, environment.service.api.log.parent
    kinds = {"extractor": "extract", "job worker": "job", "other job worker": "job"}
    made = {
        name: AmpProcess(name.replace(" ", "-"), ["worker", kind], folder, service.env) for name, kind in kinds.items()
    }
    service.workers += made.values()
    service.start()
    try:
        yield made
    finally:
        for process in made.values():
            process.stop()
            service.workers.remove(process)


def new_assets(environment: Environment, count: int) -> list[UUID]:
    fields = {"mark": {"type": "string"}, "number": {"type": "long"}}
    environment.api_client.sure("POST", "/v1/types", json={"name": _TYPE, "fields": fields})
    ids: list[UUID] = []
    for first in range(0, count, _BULK):
        numbers = range(first, min(first + _BULK, count))
        items = [{"type": _TYPE, "metadata": {"mark": "old", "number": n}} for n in numbers]
        ids += map(UUID, environment.api_client.create_many(items))
    return ids


def start(environment: Environment, body: dict[str, Any]) -> str:
    job_id: str = environment.api_client.sure("POST", "/v1/admin/jobs", json=body).json()["id"]
    return job_id


def ended(environment: Environment, job_id: str) -> dict[str, Any]:
    """The job, once it has; whoever answers meanwhile may die of it."""
    found: dict[str, Any] = {}

    def look() -> bool:
        answer = environment.api_client.send("GET", f"/v1/admin/jobs/{job_id}")
        if answer is not None and answer.status_code == 200:
            found.update(answer.json())
        return bool(found.get("ended_at"))

    wait_until(look, _ENDS_S, f"the end of job {job_id}", every_s=0.5)
    return found


def test_a_bulk_update_killed_at_random_changes_each_asset_once(environment: Environment) -> None:
    choices = rng("jobs")
    with job_processes(environment) as workers:
        ids = new_assets(environment, _KILLS * _ASSETS_A_KILL)
        update = {"kind": "update-metadata", "parameters": {"set": {"mark": "new"}}}
        job_id = start(environment, update | {"selector": {"type": _TYPE}, "rate": _RATE})
        kafka = environment.stack.servers["kafka"]

        def restart_broker() -> None:
            kafka.kill()
            kafka.start()
            kafka.wait_ready()

        def pause_and_resume() -> None:
            for what in ("pause", "resume"):
                environment.api_client.send("POST", f"/v1/admin/jobs/{job_id}/{what}")
                time.sleep(choices.uniform(0, 1))

        victims = {name: process.kill for name, process in workers.items()}
        victims |= {"API": environment.service.api.kill, "broker": restart_broker, "pause": pause_and_resume}
        names = [choices.choice(list(victims)) for _ in range(_KILLS)]
        with environment.load("jobs", clients=2, writes_per_s=10) as load:
            for name in names:
                load.run_for(choices.uniform(0.2, 4))
                victims[name]()
                load.run_for(choices.uniform(0, 1))
                environment.service.start()
            environment.api_client.send("POST", f"/v1/admin/jobs/{job_id}/resume")
            job = ended(environment, job_id)
        assert job["state"] == "completed", job
        counts = job["progress"]["counts"]
        assert counts["changed"] == len(ids), counts
        assert sum(counts.values()) == len(ids), counts
        wrong = [
            str(head)
            for i in range(0, len(ids), _BULK)
            for head in environment.amp.adapters.store.heads(ids[i : i + _BULK]).values()
            if (head.revision, head.version, head.metadata["mark"]) != (2, 2, "new")
        ]
        assert not wrong, wrong[:5]
        tell(f"{len(names)} times ({', '.join(names)}): {len(ids)} assets changed, each once")
        environment.assert_nothing_lost("jobs")
        check = ended(environment, start(environment, {"kind": "check", "selector": {"all": True}, "rate": None}))
        assert (check["state"], check["progress"]["counts"]["found"]) == ("completed", 0), check
