"""Jobs over assets: how fast assets are found, indexed again and checked, and how much memory that takes."""

import os
import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from amp.bootstrap import Amp
from amp.domain.jobs import Job, JobState
from amp.domain.principals import Principal
from amp.domain.selectors import Selector
from amp.ports.event_queue import Topic
from amp.services.creation_plans import Order
from amp.services.extract_jobs import CHUNK
from amp.services.start_jobs import JobOrder
from tests.bench.assets import drafts, fields
from tests.bench.cluster import service
from tests.bench.figures import Figure
from tests.stack.waiting import wait_until

_CALLER = Principal("bench")
_ASSETS = int(os.environ.get("AMP_BENCH_JOB_ASSETS", "200000"))
_CREATED_AT_ONCE = 1_000
_ENDS_S = 900


def measure() -> Iterator[Figure]:
    with service() as amp:
        amp.register_types.create("clip", "", fields(5), _CALLER)
        indexed_s = _create_and_index(amp)
        yield _extraction(amp)
        with _working(amp, "extract", "job"):
            yield _backfill(amp, indexed_s)
            amp.adapters.indices.refresh([info.index for info in amp.adapters.indices.info()])
            yield _check(amp)
        yield _memory()


def _create_and_index(amp: Amp) -> float:
    """Seconds that the index worker alone takes for all of them, everything being in the queue already."""
    wanted: list[Order] = []
    for draft in drafts("clip", 5, _ASSETS):
        wanted.append(Order(draft))
        if len(wanted) == _CREATED_AT_ONCE:
            made = amp.create_assets.create_many(wanted, _CALLER)
            assert not any(isinstance(asset, Exception) for asset in made), made[0]
            wanted.clear()
    amp.publisher.close(60)
    began = perf_counter()
    with _working(amp, "index"):
        wait_until(lambda: amp.adapters.queue.lag(Topic.REALTIME, "index") == 0, _ENDS_S, "the index worker")
        return perf_counter() - began


def _extraction(amp: Amp) -> Figure:
    """Pages of ids as the extractor takes them, each kept as a chunk."""
    select, position, count, began = amp.select_assets, None, 0, perf_counter()
    while True:
        page = select.page(Selector(type="clip"), position, CHUNK, _CALLER)
        count, position = count + len(page.ids), page.position
        if position is None:
            break
    assert count == _ASSETS, count
    return Figure(
        what="jobs: finding assets by type",
        measured=count / (perf_counter() - began),
        unit="ids/s",
        bound=5_000,
        at_least=True,
        detail=f"{count:,} ids in pages of {CHUNK}",
    )


def _backfill(amp: Amp, indexed_s: float) -> Figure:
    seconds = _ran(amp, "reindex")
    return Figure(
        what="jobs: backfill, unthrottled",
        measured=100 * indexed_s / seconds,
        unit="% of the index worker",
        bound=80,
        at_least=True,
        detail=f"{_ASSETS / seconds:,.0f}/s, index worker alone {_ASSETS / indexed_s:,.0f}/s",
    )


def _check(amp: Amp) -> Figure:
    seconds = _ran(amp, "check")
    return Figure(
        what=f"jobs: check of {_ASSETS:,} healthy assets",
        measured=seconds,
        unit="s",
        bound=60,
        at_least=False,
        detail=f"{_ASSETS / seconds:,.0f}/s, by sums",
    )


def _memory() -> Figure:
    return Figure(
        what="jobs: memory of index worker, extractor and job worker in one process",
        measured=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        unit="MB",
        bound=300,
        at_least=False,
        detail="at its highest, this bench included",
    )


def _ran(amp: Amp, kind: str) -> float:
    began = perf_counter()
    job = amp.start_jobs.start(JobOrder(kind=kind, selector=Selector()), _CALLER)

    def now() -> Job:
        return amp.steer_jobs.get(job.id).job

    wait_until(lambda: now().state.ended, _ENDS_S, f"the end of {kind}")
    seconds = perf_counter() - began
    ended = now()
    assert ended.state is JobState.COMPLETED, ended
    assert ended.progress["counts"]["done"] == _ASSETS, ended.progress
    return seconds


@contextmanager
def _working(amp: Amp, *kinds: str) -> Iterator[None]:
    stop = threading.Event()
    loops: list[Callable[[threading.Event], None]] = [amp.workers[kind] for kind in kinds]
    threads = [threading.Thread(target=loop, args=(stop,)) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
