"""One client of the random world: it draws what to do next, does it over the API, and writes down what it was told."""

import random
import time
import uuid
from collections.abc import Callable
from typing import Any
from uuid import UUID

from werkzeug.test import TestResponse

from amp.domain.ids import created_ms
from amp.services.commit_changes import BATCH
from tests.faults.faulty_ports import SteppingClock
from tests.faults.known import LABELS, PROJECTS, TYPE, Known
from tests.faults.told import Content, Fate, JobRequest, Request, Told
from tests.functional.rest import Rest


class RandomClient:
    def __init__(
        self, call: Callable[[Callable[[Rest], TestResponse]], TestResponse], told: Told, known: Known,
        clock: SteppingClock, choices: random.Random, skew_ms: int,
    ) -> None:  # fmt: skip
        self._call = call
        self._told = told
        self._known = known
        self._clock = clock
        self._choices = choices
        self._skew_ms = skew_ms
        operations: dict[Callable[[], None], float] = {
            self._create: 12, self._create_keyed: 6, self._repeat: 8, self._bulk: 1, self._repeat_bulk: 1,
            self._upsert: 10, self._put: 12, self._patch: 18, self._delete: 10, self._restore: 8, self._get: 7,
            self._resolve: 6, self._start_job: 0.4, self._steer: 1.5,
        }  # fmt: skip
        self._operations, self._weights = list(operations), list(operations.values())

    def step(self) -> None:
        [operation] = self._choices.choices(self._operations, self._weights)
        operation()

    def _send(self, method: str, path: str, principal: str, **more: Any) -> TestResponse:
        headers = {"AMP-Principal": principal, **more.pop("headers", {})}
        answer = self._call(lambda rest: rest.call(method, path, headers=headers, **more))
        self._told.answered(answer.status_code)
        if answer.status_code >= 500 and answer.status_code != 503:
            self._told.violations.append(f"{method} {path} {more}: {answer.status_code} {answer.text}")
        return answer

    def _create(self, asset_id: UUID | None = None) -> None:
        request, body = self._creation()
        if asset_id is not None:
            body["id"] = str(asset_id)
        offset_ms, begun_ms = self._clock.offset_ms, time.time_ns() // 1_000_000
        answer = self._send("POST", "/v1/assets", request.principal, json=body)
        self._settle(request, answer)
        minted = answer.status_code == 201 and not {"id", "external_id"} & body.keys()
        if minted and offset_ms == 0 == self._clock.offset_ms:
            at_ms = created_ms(UUID(answer.get_json()["id"]))
            if at_ms > time.time_ns() // 1_000_000 + self._skew_ms:
                ahead_s = (at_ms - begun_ms) / 1000
                self._told.violations.append(f"{answer.get_json()['id']} was minted {ahead_s:.0f} s in the future")

    def _create_keyed(self) -> None:
        request, body = self._creation()
        key = uuid.uuid4().hex
        self._known.keyed.append((request, key, body))
        del self._known.keyed[:-20]
        self._send_keyed(request, key, body)

    def _repeat(self) -> None:
        if self._known.keyed:
            self._send_keyed(*self._choices.choice(self._known.keyed))

    def _send_keyed(self, request: Request, key: str, body: dict[str, Any]) -> None:
        headers = {"Idempotency-Key": key}
        self._settle(request, self._send("POST", "/v1/assets", request.principal, json=body, headers=headers))

    def _bulk(self) -> None:
        principal = uuid.uuid4().hex
        # Now and then more than are created at once.
        count = BATCH + 20 if self._choices.random() < 0.03 else self._choices.randrange(2, 12)
        items = [self._creation(principal) for _ in range(count)]
        self._known.bulks.append(([request for request, _ in items], uuid.uuid4().hex, [body for _, body in items]))
        del self._known.bulks[:-5]
        self._send_bulk(*self._known.bulks[-1])

    def _repeat_bulk(self) -> None:
        if self._known.bulks:
            self._send_bulk(*self._choices.choice(self._known.bulks))

    def _send_bulk(self, requests: list[Request], key: str, bodies: list[dict[str, Any]]) -> None:
        headers = {"Idempotency-Key": key}
        answer = self._send("POST", "/v1/assets/bulk", requests[0].principal, json=bodies, headers=headers)
        if answer.status_code != 200:
            for request in requests:
                self._refuse(request, answer.status_code)
            return
        for request, item in zip(requests, answer.get_json()["items"], strict=True):
            if item["status"] == 201:
                self._done(request, item["id"], item["revision"])
            else:
                self._refuse(request, item["status"])

    def _upsert(self) -> None:
        project, external_id = self._choices.choice(self._known.names)
        content = self._content()
        request = self._request("upsert", content, name=(project, external_id))
        body = {"type": TYPE, "name": "upserted", **_body(content)}
        if self._choices.random() < 0.1:
            body["id"] = str(self._choices.choice(self._known.ids))
        path = f"/v1/assets/by-external-id/{project}/{external_id}"
        answer = self._send("PUT", path, request.principal, json=body, headers=self._if_match(request, None))
        self._settle(request, answer)

    def _put(self) -> None:
        content = self._content()
        self._change("put", "PUT", "", content, {"name": "put", **_body(content)})

    def _patch(self, asset_id: UUID | None = None) -> None:
        content = self._content()
        draw = self._choices.random()
        if draw < 0.4:
            content = Content(labels=content.labels)
        elif draw < 0.7:
            content = Content(mark=content.mark, number=content.number)
        self._change("patch", "PATCH", "", content, _body(content), asset_id)

    def _delete(self) -> None:
        self._change("delete", "DELETE", "", Content())

    def _restore(self) -> None:
        self._change("restore", "POST", "/restore", Content())

    def _change(
        self, kind: str, method: str, rest: str, content: Content, body: dict[str, Any] | None = None,
        asset_id: UUID | None = None,
    ) -> None:  # fmt: skip
        asset_id = asset_id or self._some_asset()
        request = self._request(kind, content)
        more = {} if body is None else {"json": body}
        headers = self._if_match(request, asset_id)
        answer = self._send(method, f"/v1/assets/{asset_id}{rest}", request.principal, headers=headers, **more)
        request.asset_id = asset_id
        self._settle(request, answer)

    def _get(self) -> None:
        asset_id = self._some_asset()
        acknowledged = self._told.seen.get(str(asset_id), 0)
        answer = self._send("GET", f"/v1/assets/{asset_id}?deleted=true", "reader")
        if answer.status_code == 200:
            revision = answer.get_json()["revision"]
            if revision < acknowledged:
                self._told.violations.append(f"{asset_id} went back from {acknowledged} to {revision}")
            self._told.saw(str(asset_id), revision)

    def _resolve(self) -> None:
        project, external_id = self._choices.choice(self._known.names)
        query = {"project": project, "external_id": external_id, "deleted": "true"}
        answer = self._send("GET", "/v1/assets", "reader", query_string=query)
        if answer.status_code == 200:
            self._check_name((project, external_id), *answer.get_json()["items"])

    def _start_job(self) -> None:
        draw, principal = self._choices.random(), f"job-{uuid.uuid4().hex}"
        label = self._choices.choice(LABELS)
        if draw < 0.3:
            job = JobRequest(principal, "update-job", label, Content(number=self._choices.randrange(1 << 40)))
            body = {"kind": "update-metadata", "parameters": {"set": {"number": job.content.number}}}
        elif draw < 0.5:
            job, body = JobRequest(principal, "delete-job", label, Content()), {"kind": "delete"}
        else:
            ids = frozenset(self._some_asset() for _ in range(self._choices.randrange(1, 20)))
            for asset_id in sorted(ids)[:5]:
                self._change("delete", "DELETE", "", Content(), asset_id=asset_id)
            job = JobRequest(principal, "purge-job", None, Content(), ids)
            body = {"kind": "purge", "parameters": {"retention_s": 0}}
        selector = {"ids": sorted(map(str, job.ids))} if job.label is None else {"query": f"labels:{label}"}
        self._told.jobs.append(job)
        answer = self._send("POST", "/v1/admin/jobs", principal, json={**body, "selector": selector, "rate": None})
        if answer.status_code == 202:
            job.job_id = answer.get_json()["id"]
            self._known.jobs.append(job.job_id)
            del self._known.jobs[:-8]
        for asset_id in sorted(job.ids)[:3]:
            # While it is being purged.
            self._create(asset_id)
            self._patch(asset_id)

    def _steer(self) -> None:
        moving = bool(self._known.moves) and self._choices.random() < 0.2
        ids = self._known.moves[-3:] if moving else self._known.jobs
        if not ids:
            return
        job_id = self._choices.choice(ids)
        action = self._choice({"pause": 3, "resume": 4, "cancel": 1, "": 2})
        known_before = self._told.ended.get(job_id)
        path = f"/v1/admin/jobs/{job_id}"
        answer = self._send("POST" if action else "GET", f"{path}/{action}" if action else path, "operator")
        if answer.status_code in (200, 202):
            state = answer.get_json()["state"]
            # A move is settled by the map; its record may say that it has ended a moment before.
            self._told.saw_state(job_id, state, known_before)
            if action == "cancel" and not moving:
                self._told.cancelled.add(job_id)

    def _settle(self, request: Request, answer: TestResponse) -> None:
        if answer.status_code == 204:
            self._done(request, str(request.asset_id), int(answer.headers["ETag"].strip('"')))
        elif answer.status_code in (200, 201):
            found = answer.get_json()
            self._done(request, found["id"], found["revision"])
            if request.name is not None and (found["project"], found["external_id"]) != request.name:
                self._told.violations.append(f"{request} was answered with {found}")
        else:
            self._refuse(request, answer.status_code)

    def _done(self, request: Request, asset_id: str, revision: int) -> None:
        before = request.asset_id, request.revision if request.fate is Fate.DONE else revision
        # A purge lets go of the keys of what it removes.
        if before[0] not in (None, *self._told.purged()) and before != (UUID(asset_id), revision):
            self._told.violations.append(f"twins: {request} was answered with {asset_id} at {revision}")
        request.asset_id, request.revision = UUID(asset_id), revision
        request.settle(Fate.DONE)
        self._told.saw(asset_id, revision)
        self._known.saw(request.asset_id)

    def _refuse(self, request: Request, status: int) -> None:
        # What was refused after an attempt without an answer may have been done by that one.
        if status == 503:
            request.settle(Fate.UNKNOWN)
            request.attempted = True
        elif not request.attempted:
            request.settle(Fate.REFUSED)

    def _check_name(self, name: tuple[str, str], *items: dict[str, Any]) -> None:
        for item in items:
            if (item["project"], item["external_id"]) != name:
                self._told.violations.append(f"{name} led to {item}")

    def _creation(self, principal: str | None = None) -> tuple[Request, dict[str, Any]]:
        content = self._content()
        project, external_id = self._choices.choice(PROJECTS), None
        draw = self._choices.random()
        if draw < 0.4:
            project, external_id = self._choices.choice(self._known.names)
        body = {"type": TYPE, "name": "made", "project": project, **_body(content)}
        if external_id is not None:
            body["external_id"] = external_id
        if draw < 0.15 or draw > 0.7:
            body["id"] = str(self._choices.choice([*self._known.ids, self._some_asset()]))
        return self._request("create", content, name=(project, external_id), principal=principal), body

    def _request(
        self, kind: str, content: Content, name: tuple[str, str | None] | None = None, principal: str | None = None
    ) -> Request:
        request = Request(principal or uuid.uuid4().hex, kind, content, name=name)
        self._told.requests.append(request)
        return request

    def _content(self) -> Content:
        labels = self._choices.sample(LABELS, k=self._choices.randrange(3))
        return Content(uuid.uuid4().hex, self._choices.randrange(1000), tuple(sorted(labels)))

    def _if_match(self, request: Request, asset_id: UUID | None) -> dict[str, str]:
        revision = self._told.seen.get(str(asset_id))
        if revision is None or self._choices.random() < 0.5:
            return {}
        request.expected = revision
        return {"If-Match": f'"{revision}"'}

    def _some_asset(self) -> UUID:
        if self._known.recent and self._choices.random() < 0.6:
            return self._choices.choice(self._known.recent)
        return self._choices.choice(self._known.ids)

    def _choice(self, weights: dict[str, int]) -> str:
        [chosen] = self._choices.choices(list(weights), list(weights.values()))
        return chosen


def _body(content: Content) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if content.mark is not None:
        body["metadata"] = {"mark": content.mark, "number": content.number}
    if content.labels is not None:
        body["labels"] = list(content.labels)
    return body
