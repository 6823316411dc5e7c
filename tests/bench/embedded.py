"""The embedded profile: bulk creation over the API, and searches over a hundred thousand assets."""

import tempfile
import threading
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import orjson
from flask.testing import FlaskClient

from amp.api.app import create_app
from amp.domain.principals import Principal
from amp.ports.message_queue import Topic
from tests.bench.assets import drafts, fields
from tests.bench.figures import Figure, median_ms
from tests.support.service.built import running

_BULK = 1_000


def measure(assets: int = 100_000) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, running({"profile": "embedded", "data_dir": folder}) as amp:
        client = create_app(amp).test_client()
        amp.types.registration.create("clip", "", fields(6), Principal())
        seconds = _create(client, assets)
        yield Figure(
            what="embedded: bulk creates",
            measured=assets / seconds,
            unit="/s",
            bound=1_000,
            at_least=True,
            detail=f"{assets:,} assets, {_BULK} a request, index workers running beside",
        )
        began = perf_counter()
        while amp.adapters.queue.lag(Topic.REALTIME, "index"):
            threading.Event().wait(0.1)
        behind = perf_counter() - began
        for what, bound, query in _searches():
            yield Figure(
                what=f"embedded: {what}",
                measured=median_ms(lambda query=query: _search(client, query), 100),  # type: ignore[misc]
                unit="ms",
                bound=bound,
                at_least=False,
                detail=f"p50 over the API, {assets:,} assets; index was {behind:.1f} s behind",
            )


def _searches() -> Iterator[tuple[str, float, dict[str, Any]]]:
    yield "nested search, one selective condition", 10, {"field": "metadata.cameraId", "eq": 421}
    broad = [{"field": "metadata.approved", "eq": True}, {"field": "metadata.duration", "gt": 3600.0}]
    yield "nested search, two broad conditions", 60, {"all": broad}


def _create(client: FlaskClient, count: int) -> float:
    batch: list[dict[str, Any]] = []
    seconds = 0.0
    for draft in drafts("clip", 6, count):
        batch.append({"type": "clip", "name": draft.name, "metadata": dict(draft.metadata)})
        if len(batch) == _BULK:
            body = orjson.dumps(batch)
            began = perf_counter()
            answer = client.post("/v1/assets/bulk", data=body, content_type="application/json")
            seconds += perf_counter() - began
            assert answer.status_code == 200, answer.text
            assert all(item["status"] == 201 for item in answer.get_json()["items"])
            batch = []
    return seconds


def _search(client: FlaskClient, query: dict[str, Any]) -> None:
    answer = client.post("/v1/search", json={"query": query})
    assert answer.status_code == 200
    assert answer.get_json()["total"] > 0
