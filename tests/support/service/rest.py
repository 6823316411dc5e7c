"""A client of the REST API in this process, with the calls that tests repeat."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

FIELDS: dict[str, Any] = {
    "cameraId": {"type": "long"},
    "codec": {"type": "string"},
    "rate": {"type": "double"},
    "hdr": {"type": "boolean"},
    "shot": {"type": "date"},
    "notes": {"type": "text"},
    "tags": {"type": "string", "array": True},
    "takes": {"type": "long", "array": True},
}


def unique(word: str) -> str:
    """A name that no other test uses: they share the servers."""
    return f"{word}-{uuid.uuid4().hex[:12]}"


@dataclass
class Rest:
    app: Flask
    principal: str | None = None

    def call(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> TestResponse:
        sent = dict(headers or {})
        if self.principal is not None:
            sent["AMP-Principal"] = self.principal
        if path.startswith("//"):  # which the test client would take for a host
            more["environ_overrides"], path = {"RAW_URI": path}, "/"
        return self.app.test_client().open(path, method=method, headers=sent, buffered=True, **more)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.call("GET", path, **more)

    def post(self, path: str, **more: Any) -> TestResponse:
        return self.call("POST", path, **more)

    def put(self, path: str, **more: Any) -> TestResponse:
        return self.call("PUT", path, **more)

    def patch(self, path: str, **more: Any) -> TestResponse:
        return self.call("PATCH", path, **more)

    def delete(self, path: str, **more: Any) -> TestResponse:
        return self.call("DELETE", path, **more)

    def new_type(self, fields: Mapping[str, Any] | None = None) -> str:
        """The name of a fresh type, with the usual fields by default."""
        name = unique("clip")
        made = self.post("/v1/types", json={"name": name, "fields": FIELDS if fields is None else fields})
        assert made.status_code == 201, made.text
        return name

    def new_asset(self, type_name: str, *, searchable: bool = False, **body: Any) -> dict[str, Any]:
        wait = "?wait_for=searchable&timeout=30s" if searchable else ""
        made = self.post(f"/v1/assets{wait}", json={"type": type_name, **body})
        assert made.status_code == 201, made.text
        assert "AMP-Searchable" not in made.headers
        found: dict[str, Any] = made.get_json()
        return found

    def search(self, **body: Any) -> dict[str, Any]:
        found = self.post("/v1/search", json=body)
        assert found.status_code == 200, found.text
        answer: dict[str, Any] = found.get_json()
        return answer

    def ids(self, **body: Any) -> list[str]:
        return [item["id"] for item in self.search(**body)["items"]]


def assert_problem(answer: TestResponse, status: int, slug: str, *pointers: str) -> dict[str, Any]:
    """It is the problem document expected, and names those places, in that order."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    problem: dict[str, Any] = answer.get_json()
    assert problem["type"] == f"urn:amp:problem:{slug}", problem
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    if pointers:
        assert [fault["pointer"] for fault in problem["errors"]] == list(pointers), problem
    return problem
