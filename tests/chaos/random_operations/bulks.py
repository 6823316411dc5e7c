"""Bulk creations of a random client: with a key repeated as a whole, without one item by item."""

import uuid
from typing import Any

from amp.services.outbox.commit import BATCH
from tests.chaos.random_operations.request_log import Request
from tests.chaos.random_operations.requests import RandomRequests, is_nothing_written


class RandomBulks:
    def __init__(self, requests: RandomRequests) -> None:
        self._requests = requests

    def keyed(self) -> None:
        requests, bodies = self._some()
        bulks = self._requests.known.bulks
        bulks.append((requests, uuid.uuid4().hex, bodies))
        del bulks[:-5]
        self._send(requests, bodies, bulks[-1][1])

    def repeat(self) -> None:
        if self._requests.known.bulks:
            requests, key, bodies = self._requests.choices.choice(self._requests.known.bulks)
            self._send(requests, bodies, key)

    def unkeyed(self) -> None:
        """Items whose fate is open are repeated each alone; those without a name only if nothing was written."""
        requests, bodies = self._some()
        self._requests.request_log.did("bulk without a key")
        problems = self._send(requests, bodies, None)
        for request, body, problem in zip(requests, bodies, problems, strict=True):
            if problem is None or problem.get("status") != 503:
                continue
            if is_nothing_written(problem) or {"id", "external_id"} & body.keys():
                self._requests.request_log.did("item repeated alone")
                answer = self._requests.send("POST", "/v1/assets", request.principal, json=body)
                self._requests.settle(request, answer)

    def _some(self) -> tuple[list[Request], list[dict[str, Any]]]:
        principal = uuid.uuid4().hex
        # Now and then more than are created at once.
        choices = self._requests.choices
        count = BATCH + 20 if choices.random() < 0.03 else choices.randrange(2, 12)
        items = [self._requests.creation(principal) for _ in range(count)]
        return [request for request, _ in items], [body for _, body in items]

    def _send(
        self, requests: list[Request], bodies: list[dict[str, Any]], key: str | None
    ) -> list[dict[str, Any] | None]:
        """The problem of each item; None: it was made."""
        headers = {} if key is None else {"Idempotency-Key": key}
        principal = requests[0].principal
        answer = self._requests.send("POST", "/v1/assets/bulk", principal, json=bodies, headers=headers)
        if answer.status_code != 200:
            problem = answer.get_json() | {"status": answer.status_code}
            for request in requests:
                self._requests.refuse(request, answer.status_code, problem)
            return [problem] * len(requests)
        items = answer.get_json()["items"]
        for request, item in zip(requests, items, strict=True):
            if item["status"] == 201:
                self._requests.done(request, item["id"], item["revision"])
            else:
                self._requests.refuse(request, item["status"], item["problem"])
        return [item["problem"] for item in items]
