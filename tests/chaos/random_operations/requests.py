"""What all operations of a random client need: requests that are written down, sent, and settled by their answers."""

import random
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from tests.chaos.random_operations.known import LABELS, PROJECTS, TYPE, Known
from tests.chaos.random_operations.mortal_ports import Killed
from tests.chaos.random_operations.request_log import Content, Fate, Request, RequestLog
from tests.support.service.rest import Rest

#: Of a service that died meanwhile.
_NO_ANSWER = Response('{"type": "none"}', 503, content_type="application/json")


class RandomRequests:
    def __init__(
        self, call: Callable[[Callable[[Rest], TestResponse]], TestResponse], request_log: RequestLog, known: Known,
        choices: random.Random,
    ) -> None:  # fmt: skip
        self._call = call
        self.request_log = request_log
        self.known = known
        self.choices = choices

    def send(self, method: str, path: str, principal: str, **more: Any) -> Response:
        headers = {"AMP-Principal": principal, **more.pop("headers", {})}
        try:
            answer: Response = self._call(lambda rest: rest.call(method, path, headers=headers, **more))
        except Killed:
            answer = _NO_ANSWER
        self.request_log.answered(answer.status_code)
        if answer.status_code >= 500 and answer.status_code != 503:
            self.request_log.violations.append(f"{method} {path} {more}: {answer.status_code} {answer.text}")
        return answer

    def settle(self, request: Request, answer: Response) -> None:
        if answer.status_code == 204:
            self.done(request, str(request.asset_id), int(answer.headers["ETag"].strip('"')))
        elif answer.status_code in (200, 201):
            found = answer.get_json()
            self.done(request, found["id"], found["revision"])
            if request.name is not None and (found["project"], found["external_id"]) != request.name:
                self.request_log.violations.append(f"{request} was answered with {found}")
        else:
            self.refuse(request, answer.status_code, answer.get_json())

    def done(self, request: Request, asset_id: str, revision: int) -> None:
        before = request.asset_id, request.revision if request.fate is Fate.DONE else revision
        # A purge lets go of the keys of what it removes.
        if before[0] not in (None, *self.request_log.purged()) and before != (UUID(asset_id), revision):
            self.request_log.violations.append(f"twins: {request} was answered with {asset_id} at {revision}")
        request.asset_id, request.revision = UUID(asset_id), revision
        request.settle(Fate.DONE)
        self.request_log.saw(asset_id, revision)
        self.known.saw(request.asset_id)
        if request.name is not None and request.name[1] is not None:
            self.known.bearers[request.name[0], request.name[1]] = request.asset_id

    def refuse(self, request: Request, status: int, problem: Mapping[str, Any]) -> None:
        # What was refused after an attempt without an answer may have been done by that one.
        if status == 503 and not is_nothing_written(problem):
            request.settle(Fate.UNKNOWN)
            request.attempted = True
        elif not request.attempted:
            request.settle(Fate.REFUSED)

    def creation(self, principal: str | None = None) -> tuple[Request, dict[str, Any]]:
        content = self.content()
        project, external_id = self.choices.choice(PROJECTS), None
        draw = self.choices.random()
        if draw < 0.4:
            project, external_id = self.choices.choice(self.known.names)
        body = {"type": TYPE, "name": "made", "project": project, **body_of(content)}
        if external_id is not None:
            body["external_id"] = external_id
        if draw < 0.15 or draw > 0.7:
            body["id"] = str(self.choices.choice([*self.known.ids, self.some_asset()]))
        return self.request("create", content, name=(project, external_id), principal=principal), body

    def request(
        self, kind: str, content: Content, name: tuple[str, str | None] | None = None, principal: str | None = None
    ) -> Request:
        request = Request(principal or uuid.uuid4().hex, kind, content, name=name)
        self.request_log.requests.append(request)
        return request

    def content(self) -> Content:
        labels = self.choices.sample(LABELS, k=self.choices.randrange(3))
        return Content(uuid.uuid4().hex, self.choices.randrange(1000), tuple(sorted(labels)))

    def precondition(self, request: Request, asset_id: UUID | None) -> dict[str, str]:
        """Headers that require something of the asset's state, or of there being none, or nothing.

        :param asset_id: None: whoever has the request's name.
        """
        named = asset_id is None
        if named and request.name is not None and request.name[1] is not None:
            asset_id = self.known.bearers.get((request.name[0], request.name[1]))
        revision = self.request_log.seen.get(str(asset_id))
        kind = self.choice({"none": 8, "revision": 8, "not revision": 2, "some": 1, "new": 4 if named else 0})
        if kind == "new":
            request.only_new = True
            self.request_log.did("If-None-Match: *")
            return {"If-None-Match": "*"}
        if kind == "some":
            request.only_there = True
            self.request_log.did("If-Match: *")
            return {"If-Match": "*"}
        if kind == "none" or revision is None:
            return {}
        if kind == "revision":
            request.expected = revision
            self.request_log.did(f"If-Match of {request.kind}")
            return {"If-Match": f'"{revision}"'}
        request.unless = revision
        self.request_log.did("If-None-Match of a revision")
        return {"If-None-Match": f'"{revision}"'}

    def some_asset(self) -> UUID:
        if self.known.recent and self.choices.random() < 0.6:
            return self.choices.choice(self.known.recent)
        return self.choices.choice(self.known.ids)

    def choice(self, weights: Mapping[str, int]) -> str:
        [chosen] = self.choices.choices(list(weights), list(weights.values()))
        return chosen


def body_of(content: Content) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if content.mark is not None:
        body["metadata"] = {"mark": content.mark, "number": content.number}
    if content.labels is not None:
        body["labels"] = list(content.labels)
    return body


def is_nothing_written(problem: Mapping[str, Any]) -> bool:
    """Such a 503 says that the write did not happen; all others leave it open."""
    return bool(problem["type"] == "urn:amp:problem:store-unavailable")
