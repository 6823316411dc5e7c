"""The services under test, each in a life that begins anew whenever it is killed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry

from amp.errors import Retryable
from amp.metrics import Metrics
from amp.services.bucket_maps import BucketMaps
from amp.services.index_assets import IndexAssets
from amp.services.type_catalog import TypeCatalog
from tests.simulation.scheduler import Scheduler, Violation
from tests.simulation.store_twins import OneType, SkewedClock

if TYPE_CHECKING:
    from tests.simulation.world import World

VERSIONS_KEPT = 2
_BATCH = 4
_MAP_REFRESH_S = 3.0
_IDLE_S = 1.0
_METRICS = Metrics(CollectorRegistry())


class Stop:
    """An event that is never set; waiting for it takes the time of the simulation."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def is_set(self) -> bool:
        return False

    def wait(self, timeout_s: float) -> bool:
        self._scheduler.sleep(timeout_s)
        return False


class Workers:
    def __init__(self, world: World) -> None:
        self._world = world
        self._scheduler = world.scheduler

    def begin(self) -> None:
        for number in range(2):
            name = f"index worker {number}"
            self._scheduler.add_service(name, lambda name=name: self._index_worker(name))

    def _index_worker(self, name: str) -> None:
        world, scheduler = self._world, self._scheduler
        clock = SkewedClock(scheduler)
        maps = BucketMaps(world.registry, world.cache, clock, _MAP_REFRESH_S)
        catalog = TypeCatalog(OneType(), clock, 60.0)
        indexer = IndexAssets(world.store, catalog, world.search_index, maps, _METRICS, VERSIONS_KEPT)
        consumer = world.queue.consume(name)
        stop = Stop(scheduler)
        actor = scheduler.current
        while True:
            try:
                deliveries = consumer.poll(_BATCH)
                actor.idle = not deliveries
                if actor.idle:
                    scheduler.sleep(_IDLE_S)
                    continue
                rejected = indexer.index([delivery.event for delivery in deliveries if delivery.event], stop)
                if rejected:
                    raise Violation(f"rejected by the index: {rejected}")
                consumer.commit(deliveries)
            except Retryable as e:
                scheduler.note(f"{type(e).__name__}: {e}")
                return  # its process ends, and is started again


def silence() -> None:
    """What services log goes nowhere: the trace tells it all."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL), cache_logger_on_first_use=False
    )
