"""Moves of buckets: how fast they copy, what searches and writers feel of them, and what many buckets cost."""

import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan, streaming_bulk

from amp.bootstrap import Amp
from amp.domain.buckets import Bucket, BucketMap, index_name, write_alias
from amp.domain.changes import Draft
from amp.domain.ids import mint_at
from amp.domain.principals import Principal
from amp.domain.queries import Condition, Conjunction
from amp.domain.times import format_ms
from amp.ports.bucket_documents import TimeRange
from amp.ports.bucket_indices import AliasChange
from amp.ports.message_queue import Topic
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.moves.copy_documents import PAGE, Copy, DocumentCopy
from amp.services.search.search import SearchQuery
from tests.bench.assets import create, drafts, fields
from tests.bench.figures import Figure, median_ms
from tests.bench.namespace import namespace
from tests.support.moves.environment import Environment, open_environment
from tests.support.moves.layout import lay_out
from tests.support.percentile import percentile
from tests.support.service.built import built
from tests.support.stack.waiting import wait_until

_PRINCIPAL = Principal("bench")
_COPIED, _ROUNDS = 20_000, 3
_DAY_S = 24 * 3600
_BUCKETS, _MANY_BUCKETS, _ASKED_BUCKETS = 40, 1_000, 2
#: The first is all that two cores can do with servers and clients on them: each then waits for the others.
_FULL_LOAD, _HALF_LOAD = {"writes_per_s": 100.0, "searches_per_s": 20.0}, {"writes_per_s": 50.0, "searches_per_s": 10.0}
_SPLIT, _BEFORE_S = 60_000, 30.0
_MOVED, _WARM_UP, _MOVES = 3_000, 6, 21


def measure() -> Iterator[Figure]:
    with namespace() as env, built(env) as amp:
        yield _copy(amp)
    with namespace() as env, built(env | {"AMP_MAP_REFRESH_S": "0.2"}) as amp:
        yield _shards(amp)
        yield _map_refresh(amp)
    with _filled(_SPLIT) as made:
        yield _searches_while_splitting(made)
    with _filled(_MOVED) as made:
        yield from _holds(made)


@contextmanager
def _filled(assets: int) -> Iterator[Environment]:
    with (
        namespace() as env,
        tempfile.TemporaryDirectory() as folder,
        open_environment(Path(folder), env, assets) as made,
    ):
        yield made


def _create_and_index(amp: Amp, wanted: Iterable[Draft]) -> None:
    """Once for each service."""
    amp.types.registration.create("clip", "", fields(5), _PRINCIPAL)
    create(amp, wanted)
    stop = threading.Event()
    worker = threading.Thread(target=amp.workers["index"], args=(stop,))
    worker.start()
    try:
        wait_until(lambda: amp.adapters.queue.lag(Topic.REALTIME, "index") == 0, 300, "the index worker")
    finally:
        stop.set()
        worker.join()
    amp.adapters.indices.refresh([info.index for info in amp.adapters.indices.info()])


def _copy(amp: Amp) -> Figure:
    """As the mover does it and as the bare client does it, in turn, each into a fresh index of the same kind."""
    _create_and_index(amp, drafts("clip", 5, _COPIED))
    source = amp.adapters.indices.info()[0].index
    own, bare = [], []
    with ThreadPoolExecutor(1) as reader:
        copier = DocumentCopy(documents=amp.adapters.documents, clock=amp.adapters.clock, reader=reader)
        for n in range(_ROUNDS):
            with _target(amp, 2 * n) as target:
                began = perf_counter()
                assert copier.run(Copy(source, write_alias(target, 1), TimeRange(0)), threading.Event()) == _COPIED
                own.append(_COPIED / (perf_counter() - began))
            with _target(amp, 2 * n + 1) as target:
                bare.append(_COPIED / _bare_copy(amp, source, target))
    return Figure(
        what="move: copying, unthrottled",
        measured=100 * max(own) / max(bare),
        unit="% of bare scan and bulk",
        bound=70,
        at_least=True,
        detail=f"best of {_ROUNDS}: {max(own):,.0f}/s, bare {max(bare):,.0f}/s",
    )


@contextmanager
def _target(amp: Amp, number: int) -> Iterator[str]:
    index = index_name(amp.settings.elasticsearch_index_prefix, 0, 1_000 + number)
    amp.adapters.indices.create(index, loading=True)
    assert amp.adapters.indices.change_aliases(AliasChange(add_write=((index, write_alias(index, 1)),)))
    yield index
    amp.adapters.indices.drop(index)


def _bare_copy(amp: Amp, source: str, target: str) -> float:
    """Seconds."""
    with Elasticsearch(amp.settings.elasticsearch_url, request_timeout=60) as client:
        hits: Iterable[dict[str, Any]] = scan(client, index=source, size=PAGE, query={"version": True})
        actions = (
            {
                "_op_type": "index",
                "_index": target,
                "_id": hit["_id"],
                "version": hit["_version"],
                "version_type": "external_gte",
                "_source": hit["_source"],
            }
            for hit in hits
        )
        began = perf_counter()
        assert sum(ok for ok, _ in streaming_bulk(client, actions, chunk_size=PAGE)) == _COPIED
        return perf_counter() - began


def _shards(amp: Amp) -> Figure:
    """The server's own count of queries tells which indices a search over the alias of all of them has touched."""
    first_s = 1_600_000_000
    lay_out(amp, [0, *(first_s + n * _DAY_S for n in range(_BUCKETS - 1))])
    born = [first_s * 1000 + n * 3_600_000 for n in range((_BUCKETS - 1) * 24)]
    _create_and_index(
        amp, [Draft(type="clip", name="one an hour", metadata={"cameraId": 1}, created_ms=ms) for ms in born]
    )
    begin, end = (format_ms((first_s + days * _DAY_S) * 1000) for days in (10, 10 + _ASKED_BUCKETS))
    hours = Condition("created_at", (("gte", begin), ("lt", end)))
    order = SearchQuery(query=Conjunction((hours, Condition("metadata.cameraId", (("eq", 1),)))), size=50)
    before, times = _queries(amp), 10
    for _ in range(times):
        assert len(amp.search.assets.search(order, _PRINCIPAL).hits) == 24 * _ASKED_BUCKETS
    touched = {index for index, count in _queries(amp).items() if count > before.get(index, 0)}
    return Figure(
        what=f"search of {_ASKED_BUCKETS} of {_BUCKETS} buckets by creation",
        measured=len(touched),
        unit="buckets asked",
        bound=_ASKED_BUCKETS,
        at_least=False,
        detail="by the server's count of queries; the others are skipped by their range of creation",
    )


def _queries(amp: Amp) -> dict[str, int]:
    """How many each index has answered so far."""
    with Elasticsearch(amp.settings.elasticsearch_url, request_timeout=60) as client:
        found = client.indices.stats(index=f"{amp.settings.elasticsearch_index_prefix}-*", metric="search").body
    return {index: one["primaries"]["search"]["query_total"] for index, one in found["indices"].items()}


def _map_refresh(amp: Amp) -> Figure:
    before, prefix = amp.adapters.buckets.load(), amp.settings.elasticsearch_index_prefix
    assert before is not None
    token = before.generation + 1
    buckets = tuple(
        Bucket(start_s=n * _DAY_S, index=index_name(prefix, n * _DAY_S, token), token=token)
        for n in range(_MANY_BUCKETS)
    )
    many = BucketMap(generation=token, buckets=buckets)
    assert amp.adapters.buckets.replace(many, expected_generation=before.generation)
    maps = BucketMaps(amp.adapters.buckets, amp.adapters.cache, amp.adapters.clock, 3.0)
    refresh_ms = median_ms(maps.refresh, 100)
    assert maps.current() == many
    assert many.bucket_at(mint_at(5 * _DAY_S * 1000).int >> 80).start_s == 5 * _DAY_S
    return Figure(
        what=f"map refresh, {_MANY_BUCKETS:,} buckets",
        measured=refresh_ms,
        unit="ms",
        bound=10,
        at_least=False,
        detail="p50, read from the registry and parsed",
    )


def _searches_while_splitting(made: Environment) -> Figure:
    with made.clients("split", **_FULL_LOAD) as clients:
        began_s = time.monotonic()
        clients.run_for(_BEFORE_S)
        asked_s = time.monotonic()
        ended = made.operator.move("split")
        before, during = clients.search_times_s(began_s, asked_s), clients.search_times_s(asked_s, time.monotonic())
    made.assert_quiescent("split while measured", clients.verdict())
    described = [
        f"{label} p50 {percentile(took, 0.5) * 1000:.0f} ms p99 {percentile(took, 0.99) * 1000:.0f} ms"
        for label, took in (("before", before), ("during", during))
    ]
    return Figure(
        what="search p99 while splitting, at the default rate",
        measured=percentile(during, 0.99) / percentile(before, 0.99),
        unit="× before",
        bound=1.5,
        at_least=False,
        detail=f"{', '.join(described)}; {ended}",
    )


def _holds(made: Environment) -> Iterator[Figure]:
    held: list[float] = []
    with made.clients("holds", **_HALF_LOAD) as clients:
        for n in range(_WARM_UP + _MOVES):
            ended = made.operator.move(("split", "rebuild", "merge")[n % 3])
            assert ended.held_s is not None, ended
            held.append(ended.held_s)
    del held[:_WARM_UP]
    made.assert_quiescent(f"{_MOVES} moves", clients.verdict())
    for share, bound in ((0.5, 0.5), (0.99, 1.0)):
        yield Figure(
            what=f"move: hold, p{share * 100:g} of {_MOVES} moves",
            measured=percentile(held, share),
            unit="s",
            bound=bound,
            at_least=False,
            detail=f"{_HALF_LOAD['writes_per_s']:g} writes/s, {min(held):.2f} to {max(held):.2f} s",
        )
