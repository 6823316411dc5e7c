"""Jobs over assets: how fast assets are found, indexed again and checked, and how much memory that takes."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter

from amp.bootstrap import Amp
from amp.domain.chunks import ItemOutcome
from amp.domain.jobs import Job, JobState
from amp.domain.principals import Principal
from amp.domain.selectors import Selector
from amp.ports.message_queue import Topic
from amp.services.jobs.extractor import CHUNK
from amp.services.jobs.submit import JobRequest
from tests.bench.assets import create, drafts, fields
from tests.bench.figures import Figure
from tests.bench.namespace import namespace
from tests.support.moves.layout import lay_out
from tests.support.service.built import built
from tests.support.service.processes import AmpProcess
from tests.support.stack.waiting import wait_until

_PRINCIPAL = Principal("bench")
_ASSETS = int(os.environ.get("AMP_BENCH_JOB_ASSETS", "200000"))
_ENDS_S = 900


def measure() -> Iterator[Figure]:
    with namespace() as env, built(env) as amp, tempfile.TemporaryDirectory() as folder:
        amp.types.registration.create("clip", "", fields(5), _PRINCIPAL)
        create(amp, drafts("clip", 5, _ASSETS))
        with _working(env, Path(folder), "index") as workers:
            alone = _indexed_a_second(amp)
            yield from _memory(workers)
        yield _extraction(amp)
        # As for the index worker: documents take longer where there are others that they replace.
        lay_out(amp, [0])
        with _working(env, Path(folder), "extract", "job") as workers:
            yield _backfill(amp, alone)
            amp.adapters.indices.refresh([info.index for info in amp.adapters.indices.info()])
            yield _check(amp)
            yield from _memory(workers)


def _indexed_a_second(amp: Amp) -> float:
    """Assets a second that the index worker alone gets through, once it has started."""

    def lag() -> int:
        return amp.adapters.queue.lag(Topic.REALTIME, "index")

    wait_until(lambda: lag() <= _ASSETS * 0.9, _ENDS_S, "the index worker to start")
    left, began = lag(), perf_counter()
    wait_until(lambda: lag() == 0, _ENDS_S, "the index worker")
    return left / (perf_counter() - began)


def _extraction(amp: Amp) -> Figure:
    """Pages of ids as the extractor takes them, each kept as a chunk."""
    select, position, count, began = amp.jobs.selection, None, 0, perf_counter()
    while True:
        page = select.page(Selector(type="clip"), position, CHUNK, _PRINCIPAL)
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


def _backfill(amp: Amp, alone: float) -> Figure:
    reached = _ASSETS / _ran(amp, "reindex")
    return Figure(
        what="jobs: backfill, unthrottled",
        measured=100 * reached / alone,
        unit="% of the index worker",
        bound=80,
        at_least=True,
        detail=f"{reached:,.0f}/s, index worker alone {alone:,.0f}/s",
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


def _memory(workers: dict[str, AmpProcess]) -> Iterator[Figure]:
    for kind, process in workers.items():
        yield Figure(
            what=f"jobs: memory of the {kind} worker",
            measured=process.most_memory_mb(),
            unit="MB",
            bound=300,
            at_least=False,
            detail=f"at its highest, {_ASSETS:,} assets",
        )


def _ran(amp: Amp, kind: str) -> float:
    began = perf_counter()
    job = amp.jobs.submission.submit(JobRequest(kind=kind, selector=Selector()), _PRINCIPAL)

    def now() -> Job:
        return amp.jobs.control.get(job.id, Principal()).job

    wait_until(lambda: now().state.ended, _ENDS_S, f"the end of {kind}", every_s=0.25)
    seconds = perf_counter() - began
    ended = now()
    assert ended.state is JobState.COMPLETED, ended
    assert (ended.progress.counts or {}).get(ItemOutcome.DONE) == _ASSETS, ended.progress
    return seconds


@contextmanager
def _working(env: Mapping[str, str], folder: Path, *kinds: str) -> Iterator[dict[str, AmpProcess]]:
    """Workers as processes of their own."""
    workers = {kind: AmpProcess(kind, ["worker", kind], folder, env) for kind in kinds}
    with ExitStack() as stack:
        for worker in workers.values():
            stack.callback(worker.stop)
            worker.start()
        yield workers
