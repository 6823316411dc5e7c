"""One client of random operations: it draws what to do next, does it over the API, and writes down the answers."""

import time
import uuid
from collections.abc import Callable
from typing import Any
from uuid import UUID

from amp.domain.ids import created_ms
from tests.chaos.random_operations.bulks import RandomBulks
from tests.chaos.random_operations.faulty_ports import SteppingClock
from tests.chaos.random_operations.jobs import RandomJobs
from tests.chaos.random_operations.known import TYPE
from tests.chaos.random_operations.request_log import Content, Request
from tests.chaos.random_operations.requests import RandomRequests, body_of


class RandomClient:
    def __init__(self, requests: RandomRequests, clock: SteppingClock, skew_ms: int) -> None:
        self._requests = requests
        self._request_log = requests.request_log
        self._known = requests.known
        self._choices = requests.choices
        self._clock = clock
        self._skew_ms = skew_ms
        bulks = RandomBulks(requests)
        jobs = RandomJobs(requests, delete=self._delete, create=self._create, patch=self._patch)
        operations: dict[Callable[[], None], float] = {
            self._create: 12, self._create_keyed: 6, self._repeat: 8, bulks.keyed: 1, bulks.repeat: 1,
            bulks.unkeyed: 1.5, self._upsert: 12, self._put: 12, self._patch: 18, self._delete: 10, self._restore: 8,
            self._get: 7, self._resolve: 6, jobs.start: 0.4, jobs.check_or_fix: 0.4, jobs.steer: 1.5,
        }  # fmt: skip
        self._operations, self._weights = list(operations), list(operations.values())

    def step(self) -> None:
        [operation] = self._choices.choices(self._operations, self._weights)
        operation()

    def _create(self, asset_id: UUID | None = None) -> None:
        request, body = self._requests.creation()
        if asset_id is not None:
            body["id"] = str(asset_id)
        offset_ms, begun_ms = self._clock.offset_ms, time.time_ns() // 1_000_000
        answer = self._requests.send("POST", "/v1/assets", request.principal, json=body)
        self._requests.settle(request, answer)
        minted = answer.status_code == 201 and not {"id", "external_id"} & body.keys()
        if minted and offset_ms == 0 == self._clock.offset_ms:
            at_ms = created_ms(UUID(answer.get_json()["id"]))
            if at_ms > time.time_ns() // 1_000_000 + self._skew_ms:
                ahead_s = (at_ms - begun_ms) / 1000
                self._request_log.violations.append(
                    f"{answer.get_json()['id']} was minted {ahead_s:.0f} s in the future"
                )

    def _create_keyed(self) -> None:
        request, body = self._requests.creation()
        key = uuid.uuid4().hex
        self._known.keyed.append((request, key, body))
        del self._known.keyed[:-20]
        self._send_keyed(request, key, body)

    def _repeat(self) -> None:
        if self._known.keyed:
            self._send_keyed(*self._choices.choice(self._known.keyed))

    def _send_keyed(self, request: Request, key: str, body: dict[str, Any]) -> None:
        headers = {"Idempotency-Key": key}
        answer = self._requests.send("POST", "/v1/assets", request.principal, json=body, headers=headers)
        self._requests.settle(request, answer)

    def _upsert(self) -> None:
        project, external_id = self._choices.choice(self._known.names)
        content = self._requests.content()
        request = self._requests.request("upsert", content, name=(project, external_id))
        body = {"type": TYPE, "name": "upserted", **body_of(content)}
        if self._choices.random() < 0.1:
            body["id"] = str(self._choices.choice(self._known.ids))
        path = f"/v1/assets/by-external-id/{project}/{external_id}"
        headers = self._requests.precondition(request, None)
        answer = self._requests.send("PUT", path, request.principal, json=body, headers=headers)
        self._requests.settle(request, answer)
        unwanted = 200 if request.only_new else 201 if request.only_there else None
        if answer.status_code == unwanted:
            self._request_log.violations.append(f"{request} was answered with {unwanted}")

    def _put(self) -> None:
        content = self._requests.content()
        self._change("put", "PUT", "", content, {"name": "put", **body_of(content)})

    def _patch(self, asset_id: UUID | None = None) -> None:
        content = self._requests.content()
        draw = self._choices.random()
        if draw < 0.4:
            content = Content(labels=content.labels)
        elif draw < 0.7:
            content = Content(mark=content.mark, number=content.number)
        self._change("patch", "PATCH", "", content, body_of(content), asset_id)

    def _delete(self, asset_id: UUID | None = None) -> None:
        self._change("delete", "DELETE", "", Content(), asset_id=asset_id)

    def _restore(self) -> None:
        self._change("restore", "POST", "/restore", Content())

    def _change(
        self, kind: str, method: str, rest: str, content: Content, body: dict[str, Any] | None = None,
        asset_id: UUID | None = None,
    ) -> None:  # fmt: skip
        asset_id = asset_id or self._requests.some_asset()
        request = self._requests.request(kind, content)
        more = {} if body is None else {"json": body}
        headers = self._requests.precondition(request, asset_id)
        answer = self._requests.send(method, f"/v1/assets/{asset_id}{rest}", request.principal, headers=headers, **more)
        request.asset_id = asset_id
        self._requests.settle(request, answer)

    def _get(self) -> None:
        asset_id = self._requests.some_asset()
        acknowledged = self._request_log.seen.get(str(asset_id), 0)
        answer = self._requests.send("GET", f"/v1/assets/{asset_id}?deleted=true", "reader")
        if answer.status_code == 200:
            revision = answer.get_json()["revision"]
            if revision < acknowledged:
                self._request_log.violations.append(f"{asset_id} went back from {acknowledged} to {revision}")
            self._request_log.saw(str(asset_id), revision)

    def _resolve(self) -> None:
        name = self._choices.choice(self._known.names)
        query = {"project": name[0], "external_id": name[1], "deleted": "true"}
        answer = self._requests.send("GET", "/v1/assets", "reader", query_string=query)
        items = answer.get_json()["items"] if answer.status_code == 200 else []
        for item in items:
            if (item["project"], item["external_id"]) != name:
                self._request_log.violations.append(f"{name} led to {item}")
