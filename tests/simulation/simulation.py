"""One run: a small installation of twins and everybody who uses, moves and breaks it, from a seed to rest."""

from __future__ import annotations

import random

from amp.ports.bucket_indices import AliasChange, ReadFilter
from tests.simulation import servers
from tests.simulation.applications import Applications
from tests.simulation.invariants import Invariants
from tests.simulation.parts import WHOLE, Parts
from tests.simulation.searchers import Searchers
from tests.simulation.workers import Workers
from tests.support.simulated.bucket_documents_twin import SimulatedBucketDocuments
from tests.support.simulated.installation import first_map, sizes
from tests.support.simulated.intents_twin import SimulatedIntents
from tests.support.simulated.queue_twin import SimulatedQueue
from tests.support.simulated.scheduler import Actor, Play, Scheduler
from tests.support.simulated.search_index_twin import SimulatedSearchIndex
from tests.support.simulated.stage import Stage
from tests.support.simulated.store_twins import (
    LapsingLeases,
    SimulatedCache,
    SimulatedJobLog,
    SimulatedRegistry,
    SimulatedSharedValues,
)

#: Faults end after so many steps, whatever is still to do; then all must come to rest.
_FAULTY_STEPS = 4_000
#: The busiest of 20,000 seeds (2137) makes five moves, two of them by two movers at once, and rests after 12,830.
_MAX_STEPS = 20_000
_REST_S = 10.0


class Simulation:
    def __init__(self, seed: int, stage: Stage, parts: Parts = WHOLE) -> None:
        self.seed = seed
        self.parts = parts
        self.scheduler = scheduler = Scheduler(seed, stage, max_steps=_MAX_STEPS, faults=parts.faults)
        self.cluster = parts.cluster()
        self.registry = SimulatedRegistry(scheduler, first_map(scheduler.random))
        self.store = parts.store(scheduler)
        self.queue = SimulatedQueue(scheduler)
        #: Of changes whose bucket refuses writes.
        self.retries = SimulatedQueue(scheduler)
        self.intents = SimulatedIntents(scheduler)
        self.cache = SimulatedCache(scheduler, self.registry.now)
        self.shared = SimulatedSharedValues(scheduler)
        self.jobs = SimulatedJobLog(scheduler)
        self.leases = LapsingLeases(scheduler)
        self.sizes = sizes(scheduler.random)
        self.indices = parts.indices(scheduler, self.cluster)
        self.documents = SimulatedBucketDocuments(scheduler, self.cluster)
        self.search_index = SimulatedSearchIndex(scheduler, self.cluster)
        self.invariants = Invariants(self.cluster, self.store, self.registry, self.jobs)
        self.searchers = Searchers(scheduler, self.search_index, self.registry, self.invariants)
        self.applications = Applications(scheduler, self.store, self.intents, self.queue)
        self.workers = Workers(self)
        self._writers: list[Actor] = []
        self._still_since_s: float | None = None
        scheduler.after_step = self.invariants.after_step
        scheduler.is_quiescent = self._is_quiescent

    def run(self) -> None:
        """:raises Violation: what must never be, was."""
        # What services draw by themselves, to part their retries, is part of the seed too.
        random.seed(self.seed)
        self._make_buckets()
        self._people()
        self.workers.begin()
        self.scheduler.run()
        self.invariants.at_quiescence()

    def _make_buckets(self) -> None:
        bucket_map = self.registry.now
        for position, bucket in enumerate(bucket_map.buckets):
            self.cluster.create(bucket.index, loading=False)
            # A stray block from an earlier life, for healers to see early and lift late.
            self.cluster.indices[bucket.index].blocked = self.scheduler.random.random() < 0.2
            read = ReadFilter(bucket.index, bucket.start_s * 1000, bucket_map.end_ms(position))
            self.cluster.change_aliases(AliasChange(add_write=((bucket.index, bucket.write_alias),), set_read=(read,)))

    def _people(self) -> None:
        scheduler, chance = self.scheduler, self.scheduler.random
        self.applications.fill(chance.randint(4, 10))
        for number in range(2):
            writer = self.applications.writer(self._is_written)
            self._writers.append(scheduler.add_play(f"writer {number}", writer))
        scheduler.add_play("disturber", self.applications.disturber())
        scheduler.add_play("searcher", self.searchers.searcher())
        scheduler.add_play("pager", self.searchers.pager())
        scheduler.add_play("refresher", servers.refresher(scheduler, self.cluster))
        scheduler.add_play("healer", servers.healer(scheduler, self.cluster, self.registry))
        scheduler.add_play("refuser", servers.refuser(scheduler, self.cluster, self.registry))
        scheduler.add_play("weather", self._weather())

    def _is_written(self) -> bool:
        """As long as there are moves to come, and some time after."""
        moving = bool(self.workers.moves_left) or self.registry.now.move is not None
        return self.scheduler.steps < _FAULTY_STEPS and (moving or self.scheduler.random.random() < 0.8)

    def _weather(self) -> Play[None]:
        """Faults end when everything was tried, or after long enough."""
        yield self._all_was_tried
        self.scheduler.note("all is calm from here on")
        self.scheduler.faults.calm()

    def _all_was_tried(self) -> bool:
        return self._all_done() or self.scheduler.steps > _FAULTY_STEPS

    def _all_done(self) -> bool:
        writing = any(actor in self.scheduler.actors for actor in self._writers)
        return not writing and not self.workers.moves_left and self.registry.now.move is None

    def _is_quiescent(self) -> bool:
        if self.scheduler.faults.active or not self._still():
            self._still_since_s = None
        elif self._still_since_s is None:
            self._still_since_s = self.scheduler.now_s
        # Long enough for both bucket workers to look at everything once more.
        return self._still_since_s is not None and self.scheduler.now_s - self._still_since_s > _REST_S

    def _still(self) -> bool:
        return (
            self._all_done()
            and self.queue.drained
            and self.retries.drained
            and self.applications.all_is_published
            and not any(index.blocked for index in self.cluster.indices.values())
            and not any(actor.passing for actor in self.scheduler.actors)
        )
