"""The cluster profile against the bare servers: indexing, bulk creation and search, each beside its limit."""

import secrets
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import httpx
import orjson
import urllib3
from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

from amp.bootstrap import Amp
from amp.domain.messages import AssetChanged
from amp.domain.principals import Principal
from amp.ports.bucket_indices import AliasChange
from amp.ports.message_queue import Topic
from amp.services.indexing.write_documents import AssetDocuments
from tests.bench.assets import create, drafts, fields
from tests.bench.bare_driver import seconds_to_create
from tests.bench.figures import Figure, medians_ms
from tests.bench.namespace import namespace
from tests.support.service.built import built
from tests.support.service.processes import Service

_PRINCIPAL = Principal("bench")
_QUERY = {
    "all": [
        {"field": "metadata.codec", "eq": "av1"},
        {"field": "metadata.cameraId", "lt": 500},
    ]
}


def measure() -> Iterator[Figure]:
    for entries, count, bound in ((5, 20_000, 60), (30, 6_000, 80)):
        with namespace() as env, built(env) as amp:
            yield _indexing(amp, entries, count, bound)
            if entries == 5:
                with _server(env) as url:
                    yield _search(amp, url)
                    yield _bulk_create(amp, url)


def _indexing(amp: Amp, entries: int, count: int, bound: float) -> Figure:
    """Drains the queue with the index worker, then sends the same finished documents with the bare client. Each is
    measured once it is warm: after its first quarter.
    """
    amp.types.registration.create("clip", "", fields(entries), _PRINCIPAL)
    create(amp, drafts("clip", entries, count))
    seconds = _drain(amp)
    documents = _documents(amp, count)
    bare_seconds = _bare_bulk(amp, documents)
    return Figure(
        what=f"index worker, {entries} entries",
        measured=100 * bare_seconds / seconds,
        unit="% of bare bulk",
        bound=bound,
        at_least=True,
        detail=f"{count / seconds:,.0f}/s, bare streaming_bulk {count / bare_seconds:,.0f}/s",
    )


def _indexed(amp: Amp) -> float:
    """The process's own count, because reading all metrics would cost time."""
    count: float = amp.metrics._changes_indexed._value.get()
    return count


def _drain(amp: Amp) -> float:
    """Seconds that the whole queue takes at the rate of its last three quarters."""
    stop = threading.Event()
    worker = threading.Thread(target=amp.workers["index"], args=(stop,))
    before = _indexed(amp)
    total = amp.adapters.queue.lag(Topic.REALTIME, "index")
    worker.start()
    deadline = monotonic() + 300
    first, began = 0.0, 0.0
    while (done := _indexed(amp) - before) < total:
        assert monotonic() < deadline, "the index worker does not come to the end"
        if done >= total / 4 and not first:
            first, began = done, perf_counter()
        stop.wait(0.005)
    seconds = perf_counter() - began
    stop.set()
    worker.join()
    return seconds * total / (total - first)


def _documents(amp: Amp, count: int) -> list[AssetDocuments]:
    """What the worker made of the same events, built once more from the store."""
    consumer = amp.adapters.queue.consume(Topic.REALTIME, "bench")
    built: list[AssetDocuments] = []
    while len(built) < count:
        deliveries = consumer.poll(1000, 10.0)
        events = [delivery.message for delivery in deliveries if isinstance(delivery.message, AssetChanged)]
        built += amp.indexing.builder.build({event.asset_id: [event] for event in events}).documents
    consumer.close()
    return built


def _bare_bulk(amp: Amp, assets: Sequence[AssetDocuments]) -> float:
    """Into a fresh index of the same template; the bucket's own write alias is left alone."""
    index = f"{amp.settings.elasticsearch_index_prefix}-19700101000000-9{secrets.randbelow(10**6)}"
    amp.adapters.indices.create(index)
    alias = f"{index}-w1"
    assert amp.adapters.indices.change_aliases(AliasChange(add_write=((index, alias),)))
    actions = [
        {
            "_op_type": "index",
            "_index": alias,
            "_id": document.doc_id,
            "version": document.revision,
            "version_type": "external_gte",
            "_source": {**document.body, "source": document.body.get("source", b"").decode()},
        }
        for asset in assets
        for document in asset.documents
    ]
    client, warm, began = _bare_client(amp), 0, 0.0
    for done, (ok, answer) in enumerate(streaming_bulk(client, actions), 1):
        assert ok, answer
        if done >= len(actions) / 4 and not warm:
            warm, began = done, perf_counter()
    seconds = perf_counter() - began
    amp.adapters.indices.drop(index)
    client.close()
    return seconds * len(actions) / (len(actions) - warm)


def _bare_client(amp: Amp) -> Elasticsearch:
    return Elasticsearch(amp.settings.elasticsearch_url, request_timeout=60)


def _search(amp: Amp, url: str) -> Figure:
    """One client asks the API and the bare client the very query that the API makes of it, in turn, so that whatever
    else the machine does meets both."""
    amp.adapters.indices.refresh([info.index for info in amp.adapters.indices.info()])
    body = orjson.dumps({"query": _QUERY, "size": 20})
    headers = {"content-type": "application/json"}
    bare = _bare_client(amp)
    alias = f"{amp.settings.elasticsearch_index_prefix}-read"
    # The transport that the bare client stands on, so that both pay the same for theirs.
    with urllib3.PoolManager() as client:

        def ask() -> urllib3.BaseHTTPResponse:
            return client.request("POST", f"{url}/v1/search", body=body, headers=headers)

        asked = ask()
        assert asked.status == 200, asked.data
        assert asked.json()["total"] > 0
        api_ms, bare_ms = medians_ms((ask, lambda: bare.search(index=alias, **_bare_query())), 600, 200)
    bare.close()
    return Figure(
        what="nested search of two conditions over REST",
        measured=api_ms - bare_ms,
        unit="ms over bare",
        bound=3,
        at_least=False,
        detail=f"p50 {api_ms:.2f} ms, bare client {bare_ms:.2f} ms",
    )


def _bare_query() -> dict[str, Any]:
    def nested(*clauses: dict[str, Any]) -> dict[str, Any]:
        return {"nested": {"path": "metadata", "query": {"bool": {"filter": list(clauses)}}}}

    conditions = [
        nested({"term": {"metadata.key": "codec"}}, {"term": {"metadata.string_value": "av1"}}),
        nested({"term": {"metadata.key": "cameraId"}}, {"range": {"metadata.long_value": {"lte": 499}}}),
    ]
    return {
        "query": {"bool": {"filter": [{"term": {"latest": True}}, *conditions]}},
        "sort": [{"created_ms": "desc"}, {"asset_id": "desc"}],
        "size": 21,
        "source": ["source"],
        "track_total_hits": 10_000,
    }


def _bulk_create(amp: Amp, url: str, count: int = 10_000, batch: int = 1_000) -> Figure:
    """Bulk creation over REST beside the bare driver sending the same statements, both with 5 entries an asset."""
    items = [
        {"type": "clip", "name": draft.name, "metadata": dict(draft.metadata)}
        for draft in drafts("clip", 5, count, seed=21)
    ]
    bodies = [orjson.dumps(items[i : i + batch]) for i in range(0, count, batch)]
    with httpx.Client(base_url=url, timeout=60) as client:
        began = perf_counter()
        for body in bodies:
            answer = client.post("/v1/assets/bulk", content=body, headers={"content-type": "application/json"})
            assert answer.status_code == 200, answer.text
        seconds = perf_counter() - began
    bare = list(drafts("clip", 5, count, seed=22))
    bare_seconds = seconds_to_create(amp.settings, amp.types.registration.get("clip", None, Principal()), bare, batch)
    return Figure(
        what="bulk creates over REST",
        measured=100 * bare_seconds / seconds,
        unit="% of bare driver",
        bound=50,
        at_least=True,
        detail=f"{count / seconds:,.0f}/s, bare driver {count / bare_seconds:,.0f}/s",
    )


@contextmanager
def _server(env: Mapping[str, str]) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder), env)
        service.api.start()
        try:
            service.wait_alive()
            yield service.url
        finally:
            service.api.stop()
