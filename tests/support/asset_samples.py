"""Assets and changes to write in tests, as the services would compute them."""

import dataclasses
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar
from uuid import UUID

import uuid6

from amp.domain.assets import Asset, Change, ChangeKind, State
from amp.domain.ids import created_ms, mint_at
from amp.domain.messages import Intent, message_of
from amp.ports.asset_store import AssetStore, CommitResult, CommitStatus

_DONE = TypeVar("_DONE")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def unique(word: str = "name") -> str:
    return f"{word}-{uuid.uuid4().hex[:12]}"


def id_version_1(ms: int) -> UUID:
    return _with_ticks(ms, version=1)


def id_version_6(ms: int) -> UUID:
    return _with_ticks(ms, version=6)


def _with_ticks(ms: int, version: int) -> UUID:
    """The first id of that version made at `ms`, but for its random part."""
    ticks = ms * 10_000 + 0x01B21DD213814000
    random = uuid.uuid4().int & ((1 << 62) - 1) | 1 << 63
    if version == 6:
        value = (ticks >> 12) << 80 | 6 << 76 | (ticks & 0xFFF) << 64 | random
    else:
        value = (ticks & 0xFFFFFFFF) << 96 | (ticks >> 32 & 0xFFFF) << 80 | 1 << 76 | (ticks >> 48) << 64 | random
    made = uuid6.UUID(int=value)
    assert created_ms(made) == ms
    return made


def new_asset(**values: Any) -> Asset:
    """An asset as its creation leaves it."""
    base: dict[str, Any] = {
        "id": mint_at(now_ms()),
        "type": "movie",
        "type_version": 1,
        "project": "default",
        "external_id": None,
        "name": "a name",
        "metadata": {"cameraId": 7},
        "labels": (),
        "version": 1,
        "revision": 1,
        "state": State.ACTIVE,
        "created_by": "ann",
        "updated_ms": now_ms(),
        "updated_by": "ann",
        "all_revision": 1,
        "change_id": uuid.uuid4(),
    }
    return Asset(**base | values)


def creation(**values: Any) -> Change:
    return Change(kind=ChangeKind.CREATED, before=None, after=new_asset(**values))


def step(before: Asset, kind: ChangeKind = ChangeKind.UPDATED, dropped: int | None = None, **values: Any) -> Change:
    """The next revision of `before`; a new version of it where the kind says so."""
    contents = kind is ChangeKind.UPDATED or before.state is State.PURGED
    base: dict[str, Any] = {
        "revision": before.revision + 1,
        "version": before.version + (1 if contents else 0),
        "updated_ms": before.updated_ms + 1,
        "updated_by": "bob",
        "change_id": uuid.uuid4(),
    }
    if not contents:
        base["all_revision"] = before.all_revision if kind is ChangeKind.LABELLED else before.revision + 1
    after = dataclasses.replace(before, **base | values)
    return Change(kind=kind, before=before, after=after, dropped_version=dropped)


def purge(before: Asset, **values: Any) -> Change:
    return step(before, ChangeKind.PURGED, state=State.PURGED, name="", metadata={}, labels=(), **values)


def recreation(purged: Asset, **values: Any) -> Change:
    after: dict[str, Any] = {
        "state": State.ACTIVE,
        "name": "back again",
        "metadata": {"cameraId": 8},
        "all_revision": purged.revision + 1,
    }
    return step(purged, ChangeKind.CREATED, **after | values)


def intent_for(change: Change, due_ms: int | None = None) -> Intent:
    recorded = now_ms()
    return Intent(
        message=message_of(change), recorded_ms=recorded, due_ms=recorded + 5_000 if due_ms is None else due_ms
    )


def write(store: AssetStore, *changes: Change) -> list[Asset]:
    """Prepares and applies changes that nothing stands in the way of."""
    store.prepare([(change, intent_for(change)) for change in changes])
    outcomes = store.apply(changes)
    assert [outcome.status for outcome in outcomes] == [CommitStatus.APPLIED] * len(changes)
    return [change.after for change in changes]


def attempt(store: AssetStore, change: Change) -> CommitResult:
    store.prepare([(change, intent_for(change))])
    (outcome,) = store.apply([change])
    return outcome


def head(store: AssetStore, asset_id: UUID) -> Asset | None:
    return store.heads([asset_id]).get(asset_id)


def shown(asset: Asset | None) -> Asset | None:
    """Without the content, which a purged asset need not keep."""
    if asset is None or asset.state is not State.PURGED:
        return asset
    return dataclasses.replace(asset, name="", metadata={}, labels=(), external_id=None)


def at_once(calls: Sequence[Any]) -> list[Any]:
    """The results of calls that all start at the same moment, each in a thread of its own."""
    barrier = Barrier(len(calls))

    def run(call: Any) -> Any:
        barrier.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
