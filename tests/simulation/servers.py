"""What goes on by itself: refreshes at any time, and stray blocks lifted by one who decides early and acts late."""

from __future__ import annotations

from amp.domain.moves import Phase
from tests.support.simulated.cluster import SHARDS, SimulatedCluster
from tests.support.simulated.scheduler import Play, Scheduler
from tests.support.simulated.store_twins import SimulatedRegistry


def refresher(scheduler: Scheduler, cluster: SimulatedCluster) -> Play[None]:
    """Shard after shard, in no order."""
    chance = scheduler.random
    interval_s = chance.choice((0.05, 0.3, 1.0))
    while True:
        yield (interval_s if scheduler.faults.active else 1.0) * (0.2 + chance.random())
        for index in list(cluster.indices.values()):
            if index.unrefreshed and not index.loading and chance.random() < 0.5:
                shard = chance.randrange(SHARDS + 1)
                scheduler.note(f"refresh of {index.name} shard {shard}")
                cluster.refresh(index, None if shard == SHARDS else shard)
                yield None


def healer(scheduler: Scheduler, cluster: SimulatedCluster, registry: SimulatedRegistry) -> Play[None]:
    """Lifts blocks that no move asked for by the map it read, which may be long over when it looks and acts."""
    while True:
        move = registry.now.move
        held = move.source if move is not None and move.phase is Phase.HOLD else None
        yield scheduler.faults.lateness_s(scheduler.random)
        stray = [index for index in cluster.indices.values() if index.blocked and index.name != held]
        for index in stray:
            yield scheduler.faults.lateness_s(scheduler.random)
            scheduler.note(f"lifts the block of {index.name}")
            index.blocked = False
        yield scheduler.random.random() * 2


def refuser(scheduler: Scheduler, cluster: SimulatedCluster, registry: SimulatedRegistry) -> Play[None]:
    """Lets one bucket after the other, or the target of a move, refuse all writes, some for long enough to be set
    aside."""
    chance = scheduler.random
    while scheduler.faults.refusing and scheduler.faults.active:
        yield 5.0 * chance.random()
        now = registry.now
        names = [bucket.index for bucket in now.buckets]
        # As often as any bucket, and more often than one of many.
        names += [now.move.target] * 2 if now.move else []
        index = cluster.indices.get(chance.choice(names))
        if index is None:
            continue
        index.refuses = True
        scheduler.note(f"{index.name} refuses writes")
        until_s = scheduler.now_s + chance.choice((2.0, 15.0, 40.0)) * chance.random()
        while scheduler.faults.active and scheduler.now_s < until_s:
            yield 0.5
        index.refuses = False
        scheduler.note(f"{index.name} takes writes")
