"""Moves of buckets in either profile: assets to move, the workers that do it, and how the buckets are afterwards."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from amp.domain.buckets import BucketMap
from amp.domain.changes import Draft
from amp.domain.jobs import Job
from amp.domain.moves import MoveKind, Phase
from amp.services.assets.creation import CreateRequest
from tests.support.moves.layout import lay_out
from tests.support.service.wired import PRINCIPAL, Wired, embedded, wired
from tests.support.stack.own_namespace import OwnNamespace
from tests.support.stack.waiting import wait_until

BORN_MS = 1_600_000_000_000
DEADLINE_S = 60


_SETTINGS: dict[str, object] = {"search_timeout_s": 0.2, "map_refresh_s": 0.5}


@pytest.fixture(scope="module", name="cluster")
def make_cluster(own_namespace: OwnNamespace) -> Iterator[Wired]:
    with own_namespace() as settings, wired(settings | _SETTINGS) as made:
        yield made


@pytest.fixture(name="service", params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def make_service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Wired]:
    if request.param == "cluster":
        # Making all tables anew takes longer than the tests.
        yield with_one_bucket(Wired(request.getfixturevalue("cluster").amp))
    else:
        with wired(embedded(tmp_path) | _SETTINGS) as made:
            yield made


def with_one_bucket(service: Wired) -> Wired:
    """As after the first migration: one bucket for all of time, empty."""
    lay_out(service.amp, [0])
    return service


@contextmanager
def working(service: Wired, *kinds: str) -> Iterator[None]:
    """The loops of these workers run."""
    stop = threading.Event()
    loops = [threading.Thread(target=service.amp.workers[kind], args=(stop,)) for kind in kinds]
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        stop.set()
        for loop in loops:
            loop.join(DEADLINE_S)


def fill(service: Wired, count: int = 40, apart_ms: int = 1_000) -> list[tuple[str, int, int]]:
    """Assets of all kinds: new, edited, relabelled, deleted; what searches show of all their versions."""
    drafts = [
        Draft(type="clip", name=f"clip {n}", metadata={"cameraId": n}, created_ms=BORN_MS + n * apart_ms)
        for n in range(count)
    ]
    for n, asset in enumerate(
        service.amp.assets.creation.create_many([CreateRequest(draft) for draft in drafts], PRINCIPAL)
    ):
        assert not isinstance(asset, Exception)
        service.mine.add(asset.id)
        if n % 4 == 1:
            service.edit(asset, f"clip {n} again")
        elif n % 4 == 2:
            service.label(asset, "kept")
        elif n % 4 == 3:
            service.delete(asset)
    with working(service, "index"):
        wait_until(lambda: indexed(service), DEADLINE_S, "the index worker")
    service.refresh()
    return service.seen(all_versions=True)


def indexed(service: Wired) -> bool:
    """The index has the last revision of every asset, be it a tombstone."""
    a, bucket_map = service.amp.adapters, current_map(service)
    heads = a.store.heads(service.mine)
    written = a.index.written({head.id: bucket_map.write_aliases(head.created_ms)[0] for head in heads.values()})
    return all(written.get(head.id) == head.revision for head in heads.values())


def move(service: Wired, kind: MoveKind, bucket: int = 0, at_s: int | None = None) -> Job:
    job = start(service, kind, bucket, at_s)
    with working(service, "bucket"):
        return ended(service, job)


def start(service: Wired, kind: MoveKind, bucket: int = 0, at_s: int | None = None, rate: float | None = None) -> Job:
    name = current_map(service).buckets[bucket].name
    return service.amp.moves.planning.start(kind, name, at_s, rate, PRINCIPAL)


def ended(service: Wired, job: Job) -> Job:
    found = job

    def look() -> bool:
        nonlocal found
        found = service.amp.adapters.jobs.get(job.id) or job
        return found.state.ended and current_map(service).move is None

    wait_until(look, DEADLINE_S, "the move to end")
    return found


def current_map(service: Wired) -> BucketMap:
    found = service.amp.adapters.buckets.load()
    assert found is not None
    return found


def change_map(service: Wired, change: Callable[[BucketMap], BucketMap]) -> None:
    before = current_map(service)
    assert service.amp.adapters.buckets.replace(change(before), expected_generation=before.generation)


def held_documents(service: Wired) -> list[int]:
    """How many documents that are not deleted each bucket's index holds."""
    service.refresh()
    infos = {info.index: info for info in service.amp.adapters.indices.info()}
    assert set(infos) == {bucket.index for bucket in current_map(service).buckets}
    return [infos[bucket.index].documents for bucket in current_map(service).buckets]


def phase_of(service: Wired) -> Phase | None:
    found = current_map(service).move
    return None if found is None else found.phase
