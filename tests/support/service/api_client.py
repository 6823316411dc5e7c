"""A client of the service that expects it to fail at any moment."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self
from urllib.parse import urlencode

import httpx

from tests.support.stack.waiting import wait_until

TYPE = "fault_clip"
#: A store that was just started, on a machine that does much else, does not answer every bulk in time.
_MADE_WITHIN_S = 120
_FIELDS = {"mark": {"type": "string"}, "number": {"type": "long"}, "notes": {"type": "text"}}


class NotAnswered(AssertionError):
    """A service that has no reason to fail did."""


class ApiClient:
    """One client with connections of its own; used by one thread."""

    def __init__(self, url: str, principal: str = "faults", timeout_s: float = 60) -> None:
        self._client = httpx.Client(base_url=url, timeout=timeout_s, headers={"AMP-Principal": principal})

    def send(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, json: Any = None) -> Any:
        """The answer; None: there is none, so what was asked for may be done or not."""
        try:
            return self._client.request(method, path, headers=headers, json=json)
        except httpx.TransportError:
            return None

    def sure(self, method: str, path: str, **more: Any) -> httpx.Response:
        """:raises NotAnswered: there is no answer, or none of success."""
        answer: httpx.Response | None = self.send(method, path, **more)
        if answer is None or answer.status_code >= 400:
            reason = "no answer" if answer is None else f"{answer.status_code} {answer.text}"
            raise NotAnswered(f"{method} {path}: {reason}")
        return answer

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def register_type(self) -> None:
        answer = self.send("POST", "/v1/types", json={"name": TYPE, "fields": _FIELDS})
        assert answer is not None
        assert answer.status_code in (201, 409), answer.text

    def create(self, name: str = "", wait: str = "", **metadata: Any) -> dict[str, Any]:
        body = {"type": TYPE, "name": name, "metadata": metadata}
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        made: dict[str, Any] = self.sure("POST", f"/v1/assets{wait}", json=body, headers=headers).json()
        return made

    def create_many(self, items: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return their ids, in order. The request is repeated until all are made; its key keeps any from being made
        twice.

        :raises StackError: not all are made in time.
        """
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        ids: list[str] = []

        def made() -> bool:
            answer = self.send("POST", "/v1/assets/bulk", json=items, headers=headers)
            if answer is None or answer.status_code == 503:
                return False
            assert answer.status_code == 200, answer.text
            results = answer.json()["items"]
            assert {item["status"] for item in results} <= {201, 503}, answer.text[:1000]
            ids[:] = [item["id"] for item in results if item["status"] == 201]
            return len(ids) == len(items)

        wait_until(made, _MADE_WITHIN_S, f"a bulk of {len(items)} assets", every_s=1.0)
        return ids

    def revisions_found(self, ids: list[str]) -> dict[str, int]:
        """By id, the revision at which a search shows each of these assets; absent ones are not shown."""
        body = {"query": {"field": "id", "in": ids}, "size": len(ids), "fields": ["id", "revision"]}
        found = self.sure("POST", "/v1/search", json=body).json()
        return {item["id"]: item["revision"] for item in found["items"]}

    def resolve(self, project: str, external_id: str) -> list[dict[str, Any]]:
        """What the service knows under that name, deleted assets included."""
        query = urlencode({"project": project, "external_id": external_id, "deleted": "true"})
        items: list[dict[str, Any]] = self.sure("GET", f"/v1/assets?{query}").json()["items"]
        return items

    def count(self) -> int:
        """How many assets searches show."""
        found = self.sure("POST", "/v1/search", json={"size": 1, "fields": ["id"], "total": "exact"}).json()
        return int(found["total"])

    def search_all(self) -> Iterator[dict[str, Any]]:
        """Every version of every asset that searches show, page by page."""
        body: dict[str, Any] = {"versions": "all", "size": 200}
        while True:
            page = self.sure("POST", "/v1/search", json=body).json()
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            body["cursor"] = page["next_cursor"]
