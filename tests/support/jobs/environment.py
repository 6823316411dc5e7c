"""Extractors run jobs on the embedded store: a test moves the time, and every call of a port can be tapped."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

from amp.adapters.embedded.asset_listing import SqliteAssetListing
from amp.adapters.embedded.asset_store import SqliteAssetStore
from amp.adapters.embedded.database import Database
from amp.adapters.embedded.dead_letters import SqliteDeadLetters
from amp.adapters.embedded.job_chunks import SqliteJobChunks
from amp.adapters.embedded.job_ids import SqliteJobIds
from amp.adapters.embedded.job_log import SqliteJobLog
from amp.adapters.embedded.message_queue import SqliteMessageQueue
from amp.domain.chunks import REPORTED, ItemOutcome, ItemResult
from amp.domain.ids import mint_at
from amp.domain.job_parameters import AssetJobParameters
from amp.domain.jobs import AssetJob, JobState
from amp.domain.selectors import Selector
from amp.errors import StoreUnavailable
from amp.metrics import Metrics
from amp.ports.message_queue import Topic
from amp.services.jobs.asset_selection import AssetSelection
from amp.services.jobs.extractor import JobExtractor
from amp.services.jobs.listed_ids import ListedIds
from amp.services.jobs.pacing import JobPace
from amp.services.jobs.selection import Selection
from amp.services.jobs.selections import JobSelections
from amp.services.jobs.worker import JOBS_GROUP, JobWorker
from amp.services.runtime.chores import Chores
from tests.support.asset_samples import creation, now_ms, write
from tests.support.clock import ManualClock
from tests.support.jobs.job_log import asset_job

#: Small, so that a few assets make several chunks and several windows.
CHUNK, WINDOW, ASSETS = 2, 2, 9
LEASE_S = 15
KIND = "test"


class Killed(BaseException):
    """The process is gone."""


class Leases:
    """Leases on the manual clock."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._held: dict[str, tuple[str, float]] = {}
        self.given_to_all = False

    def acquire(self, name: str, holder: str, ttl_s: int) -> bool:
        assert ttl_s == LEASE_S
        of, until_s = self._held.get(name, (holder, 0.0))
        if of != holder and until_s > self._clock.now_s and not self.given_to_all:
            return False
        self._held[name] = holder, self._clock.now_s + ttl_s
        return True

    def release(self, name: str, holder: str) -> None:
        if self._held.get(name, ("", 0.0))[0] == holder:
            del self._held[name]


class Tapped:
    """A port that tells of every call before and after it is made."""

    def __init__(self, port: object, tell: Callable[[str, bool], None]) -> None:
        self._port = port
        self._tell = tell

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._port, name)

        def call(*args: Any, **named: Any) -> Any:
            self._tell(name, False)
            answer = method(*args, **named)
            self._tell(name, True)
            return answer

        return call


class Processor:
    """What becomes of an asset is the same each time."""

    changes, selects_mismatches = True, False

    def __init__(self) -> None:
        self.processed: Counter[UUID] = Counter()

    def check(self, parameters: AssetJobParameters) -> None:
        raise NotImplementedError

    def process(self, job: AssetJob, ids: Sequence[UUID], stop: threading.Event) -> Mapping[UUID, ItemResult]:
        assert job.kind == KIND
        assert not stop.is_set()
        self.processed.update(ids)
        return {asset_id: ItemResult(outcome_of(asset_id)) for asset_id in ids}


def _no_mismatches(_job_id: UUID, _selector: Selector, _deep: object) -> Selection:
    raise AssertionError("jobs of this kind do not select mismatches")


def outcome_of(asset_id: UUID) -> ItemOutcome:
    # Most are told of nowhere, so that most chunks are forgotten.
    return [
        ItemOutcome.DONE,
        ItemOutcome.CHANGED,
        ItemOutcome.SKIPPED,
        ItemOutcome.DONE,
        ItemOutcome.FOUND,
        ItemOutcome.FAILED,
    ][(asset_id.int >> 80) % 6]


@dataclass
class JobEnvironment:
    database: Database
    clock: ManualClock = field(default_factory=lambda: ManualClock(epoch_ms=1_800_000_000_000))
    processor: Processor = field(default_factory=Processor)
    #: Told of each call of a tapped extractor's ports.
    tell: Callable[[str, bool], None] = lambda _, __: None
    gives_up: bool = False  #: whether workers may give messages up
    _names: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.jobs, self.chunks = SqliteJobLog(self.database), SqliteJobChunks(self.database)
        self.job_ids = SqliteJobIds(self.database)
        self.queue, self.dead_letters = SqliteMessageQueue(self.database), SqliteDeadLetters(self.database)
        self.leases = Leases(self.clock)
        self.listing = SqliteAssetListing(self.database)
        self.consumer = self.queue.consume(Topic.BULK, JOBS_GROUP)
        # Their times tell what becomes of them.
        made = [creation(id=mint_at(1_700_000_000_000 + n), type="movie") for n in range(ASSETS)]
        self.ids = [asset.id for asset in write(SqliteAssetStore(self.database), *made)]

    def extractor(self, chores: Chores | None = None) -> JobExtractor:
        def tapped(port: object) -> Any:
            return Tapped(port, lambda name, done: self.tell(name, done))

        select = AssetSelection(listing=tapped(self.listing), asset_search=None, catalog=None)  # type: ignore[arg-type]
        listed = ListedIds(ids=tapped(self.job_ids))
        selections = JobSelections(assets=select, listed=listed, mismatches=_no_mismatches)
        return JobExtractor(
            jobs=tapped(self.jobs),
            chunks=tapped(self.chunks),
            selections=selections,
            queue=tapped(self.queue),
            leases=tapped(self.leases),
            clock=self.clock,
            processors={KIND: self.processor},
            pace=lambda: JobPace(self.clock, lambda: 0, 0),
            chores=chores or Chores(clock=self.clock, chores={}),
            holder=f"extractor {next(self._names)}",
            max_failures=100,
        )

    def job(self, selector: Selector | None = None, **values: Any) -> AssetJob:
        parameters = AssetJobParameters(selector=selector or Selector(type="movie"), **values.pop("parameters", {}))
        made = asset_job(kind=KIND, parameters=parameters, requested_by="olga", **values)
        self.jobs.add(made)
        self.processor.processed.clear()
        return made

    def listed_job(self, ids: Sequence[UUID], **values: Any) -> AssetJob:
        """A job for these assets."""
        job_id = mint_at(now_ms())
        ListedIds(ids=self.job_ids).keep(job_id, ids)
        return self.job(Selector(ids=len(ids)), id=job_id, **values)

    def now(self, job: AssetJob) -> AssetJob:
        found = self.jobs.get(job.id)
        assert isinstance(found, AssetJob)
        return found

    def work(self) -> None:
        """All that is in the queue."""
        worker = JobWorker(self.jobs, self.chunks, self.dead_letters, {KIND: self.processor}, self.clock, Metrics())
        while deliveries := self.consumer.poll(100, 0):
            messages = [delivery.message for delivery in deliveries if delivery.message is not None]
            failures = worker.handle(messages, threading.Event())
            assert self.gives_up or not failures
            self.consumer.commit(deliveries)

    def finish(self, job: AssetJob, *extractors: JobExtractor, step_s: float = 0.5) -> AssetJob:
        """Run it to its end."""
        for _ in range(400):
            for extractor in extractors:
                extractor.run_once()
            self.work()
            self.clock.now_s += step_s
            if (found := self.now(job)).state.ended:
                return found
        raise AssertionError(f"it does not end: {self.now(job)}")

    def require_complete(self, job: AssetJob, situation: str = "") -> None:
        """Every asset was processed, and is accounted for exactly once."""
        found = self.now(job)
        assert found.state is JobState.COMPLETED, situation
        assert set(self.processor.processed) == set(self.ids), situation
        expected = Counter(outcome_of(asset_id).value for asset_id in self.ids)
        assert +Counter(found.progress.counts) == expected, situation
        assert (found.progress.done, found.progress.documents) == (ASSETS, ASSETS), situation
        assert self.dead_letters.count(job.id) == expected[ItemOutcome.FAILED], situation
        kept: dict[UUID, ItemResult] = {}
        for number in range(found.checkpoint.settled):
            kept |= self.chunks.results(job.id, number)
        wanted = {asset_id for asset_id in self.ids if outcome_of(asset_id) in REPORTED}
        assert {asset_id for asset_id, result in kept.items() if result.outcome in REPORTED} == wanted, situation

    def require_forgotten(self, job: AssetJob) -> None:
        """Of the settled chunks, only those with reported results are kept."""
        for number in range(job.checkpoint.settled):
            chunk_ids = self.ids[number * CHUNK : (number + 1) * CHUNK]
            is_reported = any(outcome_of(asset_id) in REPORTED for asset_id in chunk_ids)
            assert (self.chunks.get(job.id, number) is not None) is is_reported


def at_call(number: int, happens: Callable[[], None], *, done: bool) -> Callable[[str, bool], None]:
    """Lets it happen once, before or after that call of a port."""
    calls = count()

    def tell(_: str, is_done: bool) -> None:
        if is_done is done and next(calls) == number:
            happens()

    return tell


def die() -> None:
    raise Killed


def not_answer() -> None:
    raise StoreUnavailable
