"""Jobs of a random client: asked for over assets that others change meanwhile, paused, resumed and cancelled."""

import uuid
from collections.abc import Callable
from typing import Any
from uuid import UUID

from tests.chaos.random_operations.known import LABELS, PROJECTS, TYPE
from tests.chaos.random_operations.request_log import Content, JobRequest
from tests.chaos.random_operations.requests import RandomRequests


class RandomJobs:
    """Calls `delete`, `create` and `patch` with the assets that it is about to purge, or is purging."""

    def __init__(
        self, requests: RandomRequests, *, delete: Callable[[UUID], None], create: Callable[[UUID], None],
        patch: Callable[[UUID], None],
    ) -> None:  # fmt: skip
        self._requests = requests
        self._delete = delete
        self._create = create
        self._patch = patch

    def start(self) -> None:
        choices, principal = self._requests.choices, f"job-{uuid.uuid4().hex}"
        draw, label = choices.random(), choices.choice(LABELS)
        if draw < 0.3:
            job = JobRequest(principal, "update-job", label, Content(number=choices.randrange(1 << 40)))
            body = {"kind": "update-metadata", "parameters": {"set": {"number": job.content.number}}}
        elif draw < 0.5:
            job, body = JobRequest(principal, "delete-job", label, Content()), {"kind": "delete"}
        else:
            ids = frozenset(self._requests.some_asset() for _ in range(choices.randrange(1, 20)))
            for asset_id in sorted(ids)[:5]:
                self._delete(asset_id)
            job = JobRequest(principal, "purge-job", None, Content(), ids)
            body = {"kind": "purge", "parameters": {"retention_s": 0}}
        selector = {"ids": sorted(map(str, job.ids))} if job.label is None else {"query": f"labels:{label}"}
        self._send(job, body, selector)
        for asset_id in sorted(job.ids)[:3]:
            # While it is being purged.
            self._create(asset_id)
            self._patch(asset_id)

    def check_or_fix(self) -> None:
        """Neither may change an asset."""
        choices = self._requests.choices
        kind = choices.choice(("check", "fix"))
        ids = sorted({str(self._requests.some_asset()) for _ in range(30)})
        selector: dict[str, Any] = choices.choice(
            ({"all": True}, {"project": choices.choice(PROJECTS)}, {"type": TYPE}, {"ids": ids})
        )
        body = {"kind": kind, "parameters": {"deep": choices.random() < 0.5}}
        self._requests.request_log.did(kind)
        self._send(JobRequest(f"{kind}-{uuid.uuid4().hex}", f"{kind}-job", None, Content()), body, selector)

    def _send(self, job: JobRequest, body: dict[str, Any], selector: dict[str, Any]) -> None:
        known = self._requests.known
        self._requests.request_log.jobs.append(job)
        whole = {**body, "selector": selector, "rate": None}
        answer = self._requests.send("POST", "/v1/admin/jobs", job.principal, json=whole)
        if answer.status_code == 202:
            job.job_id = answer.get_json()["id"]
            known.jobs.append(job.job_id)
            del known.jobs[:-8]

    def steer(self) -> None:
        known, request_log = self._requests.known, self._requests.request_log
        moving = bool(known.moves) and self._requests.choices.random() < 0.2
        ids = known.moves[-3:] if moving else known.jobs
        if not ids:
            return
        job_id = self._requests.choices.choice(ids)
        action = self._requests.choice({"pause": 3, "resume": 4, "cancel": 1, "": 2})
        known_before = request_log.ended.get(job_id)
        path = f"/v1/admin/jobs/{job_id}"
        answer = self._requests.send("POST" if action else "GET", f"{path}/{action}" if action else path, "operator")
        if answer.status_code in (200, 202):
            state = answer.get_json()["state"]
            # A move is settled by the map; its record may say that it has ended a moment before.
            request_log.saw_state(job_id, state, known_before)
            if action == "cancel" and not moving:
                request_log.cancelled.add(job_id)
