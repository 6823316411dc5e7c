"""Random operations: clients that do anything the API offers beside faults of every kind, and what must hold after.

All choices come from AMP_FAULT_SEED; how the threads take turns does not, so a seed repeats a mix, not a run.
"""

import logging
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import structlog

from amp.domain.jobs import AssetJob
from amp.domain.principals import Principal
from amp.domain.types import Field, FieldType
from amp.errors import Retryable
from amp.ports.message_queue import Topic
from amp.services.indexing.handle import INDEX_GROUP
from amp.services.jobs.worker import JOBS_GROUP
from amp.settings import Settings
from tests.chaos.random_operations.checks import wrong_checks
from tests.chaos.random_operations.client import RandomClient
from tests.chaos.random_operations.faulty_ports import PortFaults, SteppingClock
from tests.chaos.random_operations.histories import Histories, bearers, misled_names
from tests.chaos.random_operations.injector import RandomInjector
from tests.chaos.random_operations.known import TYPE, known
from tests.chaos.random_operations.request_log import Content, Fate, RequestLog
from tests.chaos.random_operations.requests import RandomRequests
from tests.chaos.random_operations.service import RandomService
from tests.chaos.random_operations.stored_rows import StoredRows
from tests.support.consistency.compare import index_equals_store
from tests.support.consistency.stored_assets import stored_assets
from tests.support.fault_campaign import rng, tell

_CLIENTS = 4
_RESTARTED_AFTER_S = 30.0
#: A relay that starts reads the log of intents widely a minute later.
_SETTLED_S = _RESTARTED_AFTER_S + 120.0


class RandomEnvironment:
    def __init__(self, settings: Settings, *, settled_s: float = _SETTLED_S) -> None:
        self.clock = SteppingClock()
        self.port_faults = PortFaults(rng("port faults"))
        self.request_log = RequestLog()
        self.known = known(rng("known"))
        self.service = RandomService(settings, self.clock, self.port_faults)
        self._settled_s = settled_s
        self._skew_ms = int(settings.id_skew_s * 1000)
        self.injector: RandomInjector | None = None

    def run(self, operations: int, purpose: str) -> None:
        """So many operations of the clients, or more until each fault has happened; all is healed afterwards."""
        target = self.request_log.operations + operations
        self.injector = RandomInjector(
            self.service, self.clock, self.port_faults, self.known, self.request_log, rng(f"{purpose}:faults")
        )
        all_happened = self.injector.all_happened
        clients = [
            threading.Thread(target=self._client, args=(target, all_happened, f"{purpose}:client{n}"))
            for n in range(_CLIENTS)
        ]
        injecting = threading.Thread(target=self.injector.run)
        for thread in (*clients, injecting):
            thread.start()
        for client in clients:
            client.join()
        self.injector.stop()
        injecting.join()

    def _client(self, target: int, all_happened: threading.Event, purpose: str) -> None:
        requests = RandomRequests(self.service.call, self.request_log, self.known, rng(purpose))
        client = RandomClient(requests, self.clock, self._skew_ms)
        while self.request_log.operations < target or not all_happened.is_set():
            try:
                client.step()
            except Exception as e:  # noqa: BLE001 - to be shown by the test, whatever it is
                self.request_log.violations.append(f"client: {e!r}")
                traceback.print_exc()
                return

    def violations(self) -> list[str]:
        """What is wrong now that everything works again and has settled."""
        found = list(self.request_log.violations)
        found += self._unsettled()
        rows = self.service.rows()
        found += Histories(rows, self.request_log).check()
        found += misled_names(self.known.names, rows, self._resolved(rows))
        found += wrong_checks(self.service)
        found += self._unusable_names(rows)
        found += self._wrong_jobs()
        self.service.note_failures()
        found += self.service.failures
        letters = self.service.adapters.dead_letters.page(job_id=None, position=None, limit=100).dead_letters
        found += [f"dead letter: {letter.reason}" for letter in letters if letter.job_id is None]
        return found

    def _unsettled(self) -> list[str]:
        """What is still not as it should be after a while in which jobs did nothing."""
        began_s = time.monotonic()
        deadline, restarted = began_s + self._settled_s, False
        done: dict[UUID, int] = {}  #: by job, the chunks of assets that it is done with
        while True:
            try:
                self._resume_jobs()
                waiting = self._waiting()
                before = done
                done = done | {
                    job.id: job.checkpoint.settled
                    for job in self.service.adapters.jobs.open()
                    if isinstance(job, AssetJob)
                }
                if done != before:
                    deadline = time.monotonic() + self._settled_s
                if not waiting:
                    stored = list(stored_assets(self.service.amp))
                    differences = index_equals_store(stored, self._shown(), self.service.documents())
                    if not differences:
                        return []
                    waiting = str(differences).splitlines()
            except Retryable as e:
                waiting = [repr(e)]
            if not restarted and time.monotonic() > began_s + _RESTARTED_AFTER_S:
                # Intents of a writer whose clock was behind are found within an hour, or by a relay that starts.
                with self.service.restarted():
                    restarted = True
            if time.monotonic() > deadline:
                return [f"after {time.monotonic() - began_s:.0f} s: {line}" for line in waiting]
            time.sleep(0.3)

    def _waiting(self) -> list[str]:
        a = self.service.adapters
        waiting = [f"job {job.id} ({job.kind}) is {job.state}" for job in a.jobs.open()]
        buckets = a.buckets.load()
        if buckets.move is not None:
            waiting.append(f"a move is under way: {buckets.move}")
        waiting += [f"bucket {bucket.name} is incomplete" for bucket in buckets.incomplete]
        waiting += [
            f"{lag} events are queued for {group}"
            for topic, group in ((Topic.REALTIME, INDEX_GROUP), (Topic.BULK, JOBS_GROUP))
            if (lag := a.queue.lag(topic, group))
        ]
        return waiting or [f"an event of {id_} is not out" for id_ in self.service.rows().unpublished()]

    def _resume_jobs(self) -> None:
        for job in self.service.adapters.jobs.open():
            if job.state == "paused":
                self.service.call(lambda rest, id_=job.id: rest.post(f"/v1/admin/jobs/{id_}/resume"))

    def _shown(self) -> Iterator[dict[str, Any]]:
        body: dict[str, Any] = {"versions": "all", "size": 200}
        while True:
            answer = self.service.call(lambda rest: rest.post("/v1/search", json=body))
            if answer.status_code != 200:
                raise Retryable(answer.text)
            page = answer.get_json()
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            body["cursor"] = page["next_cursor"]

    def _resolved(self, rows: StoredRows) -> dict[tuple[str, str], str | None]:
        found: dict[tuple[str, str], str | None] = {}
        for name in {*self.known.names, *bearers(rows)}:
            query = {"project": name[0], "external_id": name[1], "deleted": "true"}
            answer = self.service.call(lambda rest, query=query: rest.get("/v1/assets", query_string=query))
            items = answer.get_json()["items"] if answer.status_code == 200 else [{"id": answer.text}]
            found[name] = items[0]["id"] if items else None
        return found

    def _unusable_names(self, rows: StoredRows) -> Iterator[str]:
        """Names that nobody has must be free, whatever claims are left."""
        requests = RandomRequests(self.service.call, self.request_log, self.known, rng("names"))
        for project, external_id in {*self.known.names} - {*bearers(rows)}:
            put = requests.request("upsert", Content(), name=(project, external_id))
            path = f"/v1/assets/by-external-id/{project}/{external_id}"
            answer = requests.send("PUT", path, put.principal, json={"type": TYPE})
            requests.settle(put, answer)
            if answer.status_code != 201:
                yield f"{project}/{external_id} is nobody's name and cannot be used: {answer.status_code} {answer.text}"
            else:
                delete = requests.request("delete", Content())
                delete.asset_id = put.asset_id
                requests.settle(delete, requests.send("DELETE", f"/v1/assets/{put.asset_id}", delete.principal))

    def _wrong_jobs(self) -> Iterator[str]:
        for job_id, state in dict(self.request_log.ended).items():
            found = self.service.call(lambda rest, job_id=job_id: rest.get(f"/v1/admin/jobs/{job_id}"))
            if found.status_code == 200 and found.get_json()["state"] != state:
                yield f"job {job_id} had ended as {state} and is {found.get_json()['state']}"
            if job_id in self.request_log.cancelled and state != "cancelled":
                yield f"job {job_id} was cancelled and is {state}"


def campaign(settings: Settings, operations: int, checkpoint: int) -> list[str]:
    """Run the operations, checked every so many operations; what is wrong."""
    environment = RandomEnvironment(settings)
    began_s, left, number = time.monotonic(), operations, 0
    with _without_logs(), served(environment):
        found: list[str] = []
        while left > 0 and not found:
            environment.run(min(left, checkpoint), f"random:{settings.profile}:{number}")
            ran_s = time.monotonic() - began_s
            found = environment.violations()
            left, number = left - checkpoint, number + 1
            assert environment.injector is not None
            _tell(environment, settings.profile, ran_s, time.monotonic() - began_s, len(found))
    return found


@contextmanager
def _without_logs() -> Iterator[None]:
    """The default would write a line for each of the requests."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def _tell(environment: RandomEnvironment, profile: str, ran_s: float, checked_s: float, violations: int) -> None:
    request_log = environment.request_log
    fates = {fate.value: sum(request.fate is fate for request in request_log.requests) for fate in Fate}
    assert environment.injector is not None
    tell(
        f"{profile}: {request_log.operations} operations after {ran_s:.0f} s, checked after {checked_s:.0f} s: "
        f"{violations} violations; writes {fates}, {len(request_log.jobs)} jobs, {len(environment.known.moves)} moves, "
        f"answers {dict(sorted(request_log.statuses.items()))}, {environment.port_faults.happened} failed calls, "
        f"faults {dict(environment.injector.happened)}, among them {dict(sorted(request_log.did_often.items()))}"
    )


@contextmanager
def served(environment: RandomEnvironment) -> Iterator[None]:
    environment.service.start()
    try:
        fields = {"mark": Field(type=FieldType.STRING), "number": Field(type=FieldType.LONG)}
        environment.service.amp.types.registration.create(TYPE, "", fields, Principal("campaign"))
        yield
    finally:
        environment.port_faults.end()
        environment.service.close()
