"""Applications: they change assets in the store and bring the events to the queue, sooner or later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from amp.domain.assets import Asset, Scope, State
from amp.domain.messages import AssetChanged, Intent
from tests.support.simulated.installation import CLOCKS_APART_S, START_S, TIMES_MS
from tests.support.simulated.intents_twin import SimulatedIntents
from tests.support.simulated.queue_twin import SimulatedQueue
from tests.support.simulated.scheduler import Play, Scheduler
from tests.support.simulated.store_twins import ASSET_TYPE, SimulatedStore

_MOST_ASSETS = 20
#: After so long the relay looks at an intent.
_DUE_MS = 2_000


class Applications:
    """They note what they are about to do, do it, and say so; and may die between any two of these."""

    def __init__(
        self, scheduler: Scheduler, store: SimulatedStore, intents: SimulatedIntents, queue: SimulatedQueue
    ) -> None:
        self._scheduler = scheduler
        self._store = store
        self._intents = intents
        self._queue = queue
        self._published: list[AssetChanged] = []
        #: Ids that clients brought, of assets that may not be written yet.
        self._announced: list[UUID] = []

    @property
    def all_is_published(self) -> bool:
        """What was noted and never done is no matter."""
        return not any(self._is_done(intent.message) for intent in self._intents.open)

    def fill(self, assets: int) -> None:
        """What was there before anything began to move; its events are on their way."""
        for _ in range(assets):
            after, scope = self._created()
            self._store.step(after)
            self._queue.append(_event(after, scope))

    def writer(self, goes_on: Callable[[], bool]) -> Play[None]:
        chance = self._scheduler.random
        interval_s = chance.choice((0.2, 1.0, 4.0))
        changes, most = 0, chance.choice((5, 20, 50))
        while goes_on() and changes < most:
            changes += 1
            creates = chance.random() < 0.1 and len(self._store.assets) < _MOST_ASSETS
            after, scope = (
                self._created() if creates else self._changed(chance.choice(list(self._store.assets.values())))
            )
            yield from self._write(after, _event(after, scope))
            yield chance.random() ** 2 * interval_s

    def _write(self, after: Asset, event: AssetChanged) -> Play[None]:
        chance, dies = self._scheduler.random, self._scheduler.random.random() < 0.1
        now_ms = int((START_S + self._scheduler.now_s) * 1000)
        if after.revision == 1:
            self._announced.append(after.id)
        intent = Intent(message=event, recorded_ms=now_ms, due_ms=now_ms + _DUE_MS)
        self._intents.open[intent] = None
        yield None
        if dies and chance.random() < 0.3:
            return
        before = self._store.assets.get(after.id)
        if (before.revision if before else 0) != after.revision - 1:
            self._intents.open.pop(intent, None)  # somebody else was first
            return
        self._store.step(after)
        self._scheduler.note(f"{str(after.id)[32:]}@{after.revision} {after.state}")
        yield None
        if dies and chance.random() < 0.7:
            return
        self._queue.append(event)
        self._published.append(event)
        yield None
        if not dies:
            self._intents.open.pop(intent, None)

    def rename(self) -> None:
        """A client of its own knows an id before the asset is written, and gives the asset one more version."""
        chance = self._scheduler.random
        if not self._announced:
            return
        head = self._store.heads([chance.choice(self._announced[-2:])])
        for before in head.values():
            after = replace(before, revision=before.revision + 1, version=before.version + 1)
            self._scheduler.add_play("renamer", self._write(after, _event(after, Scope.HEAD))).passing = True

    def disturber(self) -> Play[None]:
        """Events come again, in another order, and to other workers."""
        chance = self._scheduler.random
        while self._scheduler.faults.active:
            yield 1.0 + chance.random()
            if self._published and chance.random() < 0.5:
                self._queue.append(chance.choice(self._published))
            if chance.random() < 0.2:
                self._scheduler.note("partitions change hands")
                self._queue.hand_over()

    def _is_done(self, event: AssetChanged) -> bool:
        head = self._store.assets.get(event.asset_id)
        return head is not None and head.revision >= event.revision

    def _created(self) -> tuple[Asset, Scope]:
        chance = self._scheduler.random
        created_ms = chance.choice(TIMES_MS)
        if chance.random() < 0.3:
            now_s = START_S + self._scheduler.now_s
            created_ms = int((now_s + chance.uniform(-CLOCKS_APART_S, CLOCKS_APART_S)) * 1000)
        return _first(_id(created_ms, len(self._store.assets))), Scope.HEAD

    def _changed(self, asset: Asset) -> tuple[Asset, Scope]:
        chance, revision = self._scheduler.random.random(), asset.revision + 1
        if asset.state is State.DELETED:
            return replace(asset, revision=revision, state=State.ACTIVE, all_revision=revision), Scope.ALL
        if chance < 0.3:
            return replace(asset, revision=revision, state=State.DELETED, all_revision=revision), Scope.ALL
        if chance < 0.7:
            return replace(asset, revision=revision, version=asset.version + 1), Scope.HEAD
        return replace(asset, revision=revision), Scope.HEAD


def _event(after: Asset, scope: Scope) -> AssetChanged:
    return AssetChanged(
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
