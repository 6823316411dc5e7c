"""The services under test, each in a life that begins anew whenever it is killed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from amp.domain.buckets import BucketMap
from amp.domain.moves import MoveKind
from amp.domain.principals import Principal
from amp.errors import Conflict, Retryable, Unprocessable
from amp.metrics import Metrics
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.buckets.reconcile import BucketReconciliation
from amp.services.buckets.refusals import RefusingBuckets
from amp.services.buckets.settlement import WriteSettlement
from amp.services.indexing.build_documents import DocumentBuilder
from amp.services.indexing.handle import AssetIndexer
from amp.services.indexing.write_documents import DocumentWriter
from amp.services.moves.autosplit import AutoSplit
from amp.services.moves.cleanup import MoveCleanup
from amp.services.moves.compare_ranges import RangeComparison
from amp.services.moves.copy_range import RangeCopy
from amp.services.moves.plan import MovePlanning
from amp.services.moves.run import MoveRunner
from amp.services.moves.worker import LEASE, LEASE_S, BucketWorker
from amp.services.outbox.relay import IntentRelay
from amp.services.runtime.chores import Chores
from amp.services.runtime.leases import LeaseKeeper
from amp.services.types.catalog import TypeCatalog
from tests.support.simulated.installation import BOUNDARIES_S, PREFIX, START_S, VERSIONS_KEPT
from tests.support.simulated.scheduler import Scheduler
from tests.support.simulated.store_twins import OneType, SimulatedRegistry, SkewedClock
from tests.support.simulated.violations import Violation

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

_BATCH = 4
#: Small enough to be full now and then.
_RETRY_LIMIT = 6
_MAP_REFRESH_S = 3.0
_CHECK_S = 2.0
_IDLE_S = 1.0
_METRICS = Metrics(CollectorRegistry())
_OPERATOR = Principal("operator")
_KINDS = (MoveKind.SPLIT, MoveKind.SPLIT, MoveKind.MERGE, MoveKind.MERGE, MoveKind.REBUILD, MoveKind.ROLL)


class Workers:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._scheduler = simulation.scheduler
        self._chance = simulation.scheduler.random
        self.moves_left = self._chance.randint(1, 3)

    def begin(self) -> None:
        for number in range(2):
            self._add(f"index worker {number}", self._index_worker)
        self._add("retry worker", self._index_worker)
        self._add("relay", self._relay)
        self._add("migrate", self._migrate)
        self._add("operator", self._operator)
        self._add("client", self._client)
        for number in range(2):
            self._add(f"bucket worker {number}", self._bucket_worker)

    def _add(self, name: str, life: Callable[[str], None]) -> None:
        self._scheduler.add_service(name, lambda: life(name))

    def _index_worker(self, name: str) -> None:
        simulation, scheduler = self._simulation, self._scheduler
        clock, maps = self._process()
        catalog = TypeCatalog(OneType(), clock, 60.0)
        aliases = simulation.parts.aliases(maps=maps, indices=simulation.indices)
        refusing = RefusingBuckets(cache=simulation.cache, clock=clock)
        settlement = WriteSettlement(maps=maps, aliases=aliases)
        indexer = AssetIndexer(
            builder=DocumentBuilder(store=simulation.store, catalog=catalog, versions_kept=VERSIONS_KEPT),
            writer=DocumentWriter(index=simulation.search_index, maps=maps, settlement=settlement, refusing=refusing),
            retries=simulation.parts.retries(queue=simulation.retries, max_changes=_RETRY_LIMIT),  # type: ignore[arg-type]
            metrics=_METRICS,
        )
        stop, retrying = _Stop(scheduler), name.startswith("retry")
        consumer = (simulation.retries if retrying else simulation.queue).consume(name)
        handle = indexer.handle_retries if retrying else indexer.handle
        while True:
            try:
                deliveries = consumer.poll(_BATCH)
                if not deliveries:
                    scheduler.sleep(_IDLE_S)
                    continue
                given_up = handle([delivery.message for delivery in deliveries if delivery.message], stop)
                if given_up:
                    raise Violation(f"rejected by the index: {given_up}")
                consumer.commit(deliveries)
            except Retryable as e:
                scheduler.note(f"{type(e).__name__}: {e}")
                return  # its process ends, and is started again

    def _relay(self, _name: str) -> None:
        simulation = self._simulation
        relay = IntentRelay(
            intents=simulation.intents,
            store=simulation.store,
            queue=simulation.queue,
            clock=SkewedClock(self._scheduler),
            metrics=_METRICS,
        )
        relay.run(_Stop(self._scheduler))

    def _client(self, _name: str) -> None:
        """Changes what others are just creating."""
        while self._scheduler.faults.active:
            self._scheduler.sleep(self._chance.random())
            with contextlib.suppress(Retryable):
                self._simulation.applications.rename()
        self._scheduler.wait(lambda: False)

    def _migrate(self, _name: str) -> None:
        """Somebody runs `amp migrate` now and then, whatever is under way."""
        simulation, scheduler = self._simulation, self._scheduler
        while scheduler.faults.active:
            registry = _SlowRegistry(simulation.registry, scheduler)
            with contextlib.suppress(Retryable):
                simulation.parts.migrate(
                    components=(), registry=registry, indices=simulation.indices, index_prefix=PREFIX
                ).run()
            scheduler.sleep(scheduler.random.random() * 4)
        scheduler.wait(lambda: False)

    def _bucket_worker(self, name: str) -> None:
        simulation = self._simulation
        clock, maps = self._process()
        move_planning = MovePlanning(
            maps=maps,
            indices=simulation.indices,
            documents=simulation.documents,
            jobs=simulation.jobs,
            clock=clock,
            index_prefix=PREFIX,
        )
        worker = BucketWorker(
            self._mover(clock, maps),
            Chores(
                clock=clock,
                chores={
                    "reconcile": BucketReconciliation(maps=maps, indices=simulation.indices, index_prefix=PREFIX).run,
                    "watch": AutoSplit(
                        maps=maps,
                        indices=simulation.indices,
                        move_planning=move_planning,
                        clock=clock,
                        sizes=simulation.sizes,
                    ).check,
                },
            ),
            _LapsingLease(simulation.leases, clock, name=LEASE, holder=name, ttl_s=LEASE_S),
            clock,
            check_s=_CHECK_S,
        )
        worker.run(_Stop(self._scheduler))

    def _mover(self, clock: SkewedClock, maps: BucketMaps) -> MoveRunner:
        simulation = self._simulation
        indices, documents, parts = simulation.indices, simulation.documents, simulation.parts
        copier = parts.copier(documents=documents, clock=clock, reader=_Reader(self._scheduler))
        return MoveRunner(
            maps=maps,
            indices=indices,
            documents=documents,
            jobs=simulation.jobs,
            metrics=Metrics(),
            clock=clock,
            aliases=parts.aliases(maps=maps, indices=indices),
            range_copy=RangeCopy(
                indices=indices,
                documents=documents,
                copier=copier,
                comparison=parts.copy_comparison(documents=documents, copier=copier),
                serve_s=parts.times.serve,
            ),
            cleanup=MoveCleanup(
                indices=indices,
                documents=documents,
                comparison=RangeComparison(documents=documents, copier=copier),
            ),
            times=parts.times,
        )

    def _operator(self, _name: str) -> None:
        """Asks for one move after the other, and takes some of them back."""
        simulation, scheduler, chance = self._simulation, self._scheduler, self._chance
        clock, maps = self._process()
        move_planning = MovePlanning(
            maps=maps,
            indices=simulation.indices,
            documents=simulation.documents,
            jobs=simulation.jobs,
            clock=clock,
            index_prefix=PREFIX,
        )
        while self.moves_left:
            self.moves_left -= 1
            scheduler.sleep(chance.random() * 3)
            with contextlib.suppress(Retryable, Conflict, Unprocessable):
                bucket, kind = chance.choice(maps.refresh().buckets), chance.choice(_KINDS)
                rate = chance.choice((None, None, 10.0))
                job = move_planning.start(kind, bucket.name, self._boundary(kind), rate, _OPERATOR)
                patience_s = chance.choice((3.0, 10.0, 1e9, 1e9)) * chance.random()
                while simulation.registry.now.move is not None:
                    nap_s = chance.random() * 2
                    scheduler.sleep(nap_s)
                    patience_s -= nap_s
                    if patience_s < 0:
                        move_planning.cancel(job.id, _OPERATOR)
        scheduler.wait(lambda: False)

    def _boundary(self, kind: MoveKind) -> int | None:
        match kind:
            case MoveKind.SPLIT:
                return self._chance.choice((None, *BOUNDARIES_S))
            case MoveKind.ROLL:
                return int(START_S + self._scheduler.now_s) + self._chance.randint(0, 4)
        return None

    def _process(self) -> tuple[SkewedClock, BucketMaps]:
        clock = SkewedClock(self._scheduler)
        cache = self._simulation.parts.cache(self._simulation.cache, self._simulation.shared, clock)
        return clock, self._simulation.parts.maps(self._simulation.registry, cache, clock, _MAP_REFRESH_S)


class _Stop:
    """An event that is never set; waiting for it takes the time of the simulation."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def is_set(self) -> bool:
        return False

    def wait(self, timeout_s: float) -> bool:
        self._scheduler.sleep(timeout_s)
        return False


class _LapsingLease(LeaseKeeper):
    @contextlib.contextmanager
    def renewed(self) -> Iterator[None]:
        """Leases lapse as they like here."""
        yield


class _SlowRegistry:
    """What it answers is used much later."""

    def __init__(self, registry: SimulatedRegistry, scheduler: Scheduler) -> None:
        self._registry = registry
        self._scheduler = scheduler

    def load(self) -> BucketMap | None:
        found = self._registry.load()
        if self._scheduler.random.random() < 0.5:
            self._scheduler.sleep(self._scheduler.random.random() * 15)
        return found

    def replace(self, new: BucketMap, *, expected_generation: int) -> bool:
        return self._registry.replace(new, expected_generation=expected_generation)


class _Reader(Executor):
    """Reads the next page at once, or as late as it can."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def submit(self, read: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        early = self._scheduler.random.random() < 0.5
        return _Early(read(*args, **kwargs)) if early else _Late(lambda: read(*args, **kwargs))


class _Early(Future[Any]):
    def __init__(self, page: Any) -> None:
        super().__init__()
        self.set_result(page)


class _Late(Future[Any]):
    def __init__(self, read: Callable[[], Any]) -> None:
        super().__init__()
        self._read = read

    def result(self, timeout: float | None = None) -> Any:  # noqa: ARG002 - it is read right here
        return self._read()
