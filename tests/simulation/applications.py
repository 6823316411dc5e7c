"""Applications: they change assets in the store and bring the events to the queue, sooner or later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from amp.domain.assets import Asset, Scope, State
from amp.domain.events import Event
from tests.simulation.installation import CLOCKS_APART_S, START_S, TIMES_MS
from tests.simulation.queue_twin import SimulatedQueue
from tests.simulation.scheduler import Play, Scheduler
from tests.simulation.store_twins import ASSET_TYPE, SimulatedStore

_MOST_ASSETS = 20


class Applications:
    """They change assets; of what they changed, one in some dies before it says so."""

    def __init__(self, scheduler: Scheduler, store: SimulatedStore, queue: SimulatedQueue) -> None:
        self._scheduler = scheduler
        self._store = store
        self._queue = queue
        self.unpublished: list[Event] = []
        self._published: list[Event] = []

    def fill(self, assets: int) -> None:
        """What was there before anything began to move; its events are on their way."""
        for _ in range(assets):
            self._queue.publish(self._create())

    def writer(self, goes_on: Callable[[], bool]) -> Play[None]:
        chance = self._scheduler.random
        interval_s = chance.choice((0.2, 1.0, 4.0))
        changes, most = 0, chance.choice((5, 20, 50))
        while goes_on() and changes < most:
            changes += 1
            if chance.random() < 0.1 and len(self._store.assets) < _MOST_ASSETS:
                event = self._create()
            else:
                event = self._change(chance.choice(list(self._store.assets.values())))
            self.unpublished.append(event)
            state = self._store.assets[event.asset_id].state
            self._scheduler.note(f"{str(event.asset_id)[32:]}@{event.revision} {state}")
            yield None
            if chance.random() < 0.9:
                self._publish(event)
            yield chance.random() ** 2 * interval_s

    def relay(self) -> Play[None]:
        """Brings what was not published; what was, it now and then brings again, and in another order."""
        chance = self._scheduler.random
        while True:
            yield 1.0 + chance.random()
            for event in list(self.unpublished):
                self._publish(event)
            if self._scheduler.faults.active:
                if self._published and chance.random() < 0.5:
                    self._queue.publish(chance.choice(self._published))
                if chance.random() < 0.2:
                    self._scheduler.note("partitions change hands")
                    self._queue.hand_over()

    def _publish(self, event: Event) -> None:
        self._queue.publish(event)
        self._published.append(event)
        if event in self.unpublished:
            self.unpublished.remove(event)

    def _create(self) -> Event:
        chance = self._scheduler.random
        created_ms = chance.choice(TIMES_MS)
        if chance.random() < 0.3:
            now_s = START_S + self._scheduler.now_s
            created_ms = int((now_s + chance.uniform(-CLOCKS_APART_S, CLOCKS_APART_S)) * 1000)
        return self._step(_first(_id(created_ms, len(self._store.assets))), Scope.HEAD)

    def _change(self, asset: Asset) -> Event:
        chance, revision = self._scheduler.random.random(), asset.revision + 1
        if asset.state is State.DELETED:
            restored = replace(asset, revision=revision, state=State.ACTIVE, all_revision=revision)
            return self._step(restored, Scope.ALL)
        if chance < 0.3:
            deleted = replace(asset, revision=revision, state=State.DELETED, all_revision=revision)
            return self._step(deleted, Scope.ALL)
        if chance < 0.7:
            return self._step(replace(asset, revision=revision, version=asset.version + 1), Scope.HEAD)
        return self._step(replace(asset, revision=revision), Scope.HEAD)

    def _step(self, after: Asset, scope: Scope) -> Event:
        self._store.step(after)
        return Event(
            asset_id=after.id,
            version=after.version,
            revision=after.revision,
            scope=scope,
            change_id=UUID(int=after.id.int ^ after.revision),
        )


def _first(asset_id: UUID) -> Asset:
    return Asset(
        id=asset_id,
        type=ASSET_TYPE.name,
        type_version=ASSET_TYPE.version,
        project="default",
        external_id=None,
        name="clip",
        metadata={},
        labels=(),
        version=1,
        revision=1,
        state=State.ACTIVE,
        created_by="simulation",
        updated_ms=0,
        updated_by="simulation",
        all_revision=1,
        change_id=asset_id,
    )


def _id(created_ms: int, number: int) -> UUID:
    """A version 7 id that is the same in every run of a seed."""
    return UUID(int=created_ms << 80 | 7 << 76 | 0b10 << 62 | number)
