"""The ports of the store in memory: assets, types, the bucket registry, jobs and leases; and cache and clock."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, NoReturn
from uuid import UUID

from amp.domain.assets import Asset, State, Version, content_bytes, version_of
from amp.domain.buckets import BucketMap, map_json
from amp.domain.jobs import Checkpoint, Job, JobProgress, JobState, Note, open_states
from amp.domain.moves import Move, Phase
from amp.domain.types import AssetType
from amp.errors import CacheUnavailable, StoreUnavailable
from tests.support.simulated.installation import CLOCKS_APART_S, START_S
from tests.support.simulated.scheduler import Scheduler

ASSET_TYPE = AssetType(name="clip", version=1)


#: Higher than any generation a run reaches.
_NO_TOKEN = 100_000


def _lost() -> NoReturn:
    raise StoreUnavailable("lost by the scheduler")


class SimulatedStore:
    """Writers are no services here: they take `step` and bring its event to the queue by themselves."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.assets: dict[UUID, Asset] = {}
        self.kept: dict[tuple[UUID, int], Version] = {}
        #: Revisions at which each asset was deleted.
        self.deletions: dict[UUID, list[int]] = defaultdict(list)

    def step(self, after: Asset) -> None:
        self.assets[after.id] = after
        self.kept[after.id, after.version] = version_of(after)
        if after.state is State.DELETED:
            self.deletions[after.id].append(after.revision)

    def heads(self, ids: Collection[UUID], *, settle: bool = False) -> dict[UUID, Asset]:  # noqa: ARG002 - all is settled
        def read() -> dict[UUID, Asset]:
            return {asset_id: self.assets[asset_id] for asset_id in ids if asset_id in self.assets}

        return self._scheduler.call("read heads", read, _lost)

    def each_head(self, ids: Collection[UUID]) -> Iterator[tuple[Asset, int]]:
        for head in self.heads(ids).values():
            yield head, content_bytes(head)

    def versions(self, wanted: Mapping[UUID, Collection[int]]) -> dict[tuple[UUID, int], Version]:
        def read() -> dict[tuple[UUID, int], Version]:
            keys = [(asset_id, version) for asset_id, versions in wanted.items() for version in sorted(versions)]
            return {key: self.kept[key] for key in keys if key in self.kept}

        return self._scheduler.call("read versions", read, _lost)


class OneType:
    """A registry that holds one asset type and never fails."""

    def get(self, name: str, version: int | None = None) -> AssetType | None:
        return ASSET_TYPE if name == ASSET_TYPE.name and version in (None, ASSET_TYPE.version) else None

    def newest(self) -> list[AssetType]:
        return [ASSET_TYPE]


class SimulatedRegistry:
    def __init__(self, scheduler: Scheduler, first: BucketMap) -> None:
        self._scheduler = scheduler
        self.now = first
        #: Each move as it was when the map last had it.
        self.ended: dict[UUID, Move] = {}
        #: Since when which phase; None: no move.
        self.history: list[tuple[float, Phase | None]] = [(0.0, None)]

    def load(self) -> BucketMap | None:
        return self._scheduler.call("load map", lambda: self.now, _lost)

    def replace(self, new: BucketMap, *, expected_generation: int) -> bool:
        assert new.generation > expected_generation

        def swap() -> bool:
            if self.now.generation != expected_generation:
                return False
            if self.now.move is not None and new.move is None:
                self.ended[self.now.move.id] = self.now.move
            self.now = new
            self.history.append((self._scheduler.now_s, new.move.phase if new.move else None))
            return True

        return self._scheduler.call(f"map {described(new)}", swap, _lost)


#: What the caches of this installation, and of another one, begin their values with.
IDENTITY, OTHER_IDENTITY = b"this".ljust(16), b"other".ljust(16)


class SimulatedSharedValues:
    """Holds the identity of this installation."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def get_or_put(self, name: str, value: bytes) -> bytes:  # noqa: ARG002 - it is there already
        return self._scheduler.call(f"shared value {name}", lambda: IDENTITY, _lost)


class SimulatedCache:
    """Returns any value that was ever stored, or nothing, or fails. It starts with two wrong maps: one of another
    installation, whose indices have the same names, and one from before the store of this installation was restored.
    """

    def __init__(self, scheduler: Scheduler, first: BucketMap) -> None:
        self._scheduler = scheduler
        self._given: dict[str, list[bytes]] = defaultdict(list)
        self._others: list[bytes] = []
        # A token that moves of this installation reach soon.
        token = scheduler.random.randint(2, 8)
        theirs = tuple(replace(bucket, token=token) for bucket in first.buckets)
        ours = tuple(replace(bucket, token=_NO_TOKEN) for bucket in first.buckets)
        for identity, buckets in ((OTHER_IDENTITY, theirs), (IDENTITY, ours)):
            body = map_json(BucketMap(generation=_NO_TOKEN, buckets=buckets))
            self._others.append(identity + json.dumps(body).encode())

    def get(self, key: str) -> bytes | None:
        def read() -> bytes | None:
            given, others = self._given[key], self._others if key == "bucket-map" else []
            chance = self._scheduler.random.random()
            if chance > 0.8 and others:
                return self._scheduler.random.choice(others)
            if not given or chance < 0.1:
                return None
            return given[-1] if chance < 0.5 else self._scheduler.random.choice(given)

        return self._scheduler.call("read cache", read, self._lost)

    def put(self, key: str, value: bytes, ttl_s: int) -> None:  # noqa: ARG002 - old values are served at any age
        self._scheduler.call("write cache", lambda: self._given[key].append(value), self._lost)

    def _lost(self) -> NoReturn:
        raise CacheUnavailable("lost by the scheduler")


class SimulatedJobLog:
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.jobs: dict[UUID, Job] = {}

    def add(self, job: Job) -> None:
        self._scheduler.call("add job", lambda: self.jobs.setdefault(job.id, job), _lost)

    def get(self, job_id: UUID) -> Job | None:
        return self._scheduler.call("get job", lambda: self.jobs.get(job_id), _lost)

    def page(self, before: UUID | None, limit: int) -> list[Job]:
        def read() -> list[Job]:
            found = sorted(self.jobs.values(), key=lambda job: job.id, reverse=True)
            return [job for job in found if before is None or job.id < before][:limit]

        return self._scheduler.call("page jobs", read, _lost)

    def open(self) -> list[Job]:
        def read() -> list[Job]:
            return sorted((job for job in self.jobs.values() if not job.state.ended), key=lambda job: job.id)

        return self._scheduler.call("open jobs", read, _lost)

    def forget(self, job_id: UUID) -> None:
        self._scheduler.call("forget job", lambda: self.jobs.pop(job_id, None), _lost)

    def save_progress(
        self,
        job_id: UUID,
        progress: JobProgress,
        checkpoint: Checkpoint,
        *,
        expected: Checkpoint | None = None,
    ) -> bool:
        assert expected is None, "only jobs over assets expect one, and none runs here"
        return self._change(job_id, f"checkpoint {checkpoint}", progress=progress, checkpoint=checkpoint)

    def set_state(
        self,
        job_id: UUID,
        state: JobState,
        *,
        expected: JobState | None = None,
        reason: str = "",
        ended_ms: int | None = None,
        note: Note | None = None,
    ) -> bool:
        among = open_states(expected)
        return self._change(job_id, f"job {state}", among, note, state=state, reason=reason, ended_ms=ended_ms)

    def set_rate(self, job_id: UUID, rate: float | None, note: Note | None = None) -> bool:
        return self._change(job_id, f"rate {rate}", note=note, rate=rate)

    def note(self, job_id: UUID, note: Note) -> None:
        def append() -> None:
            job = self.jobs.get(job_id)
            if job is not None and note not in job.history:
                self.jobs[job_id] = replace(job, history=(*job.history, note))

        self._scheduler.call(f"note {note.text}", append, _lost)

    def _change(
        self,
        job_id: UUID,
        what: str,
        among: Collection[JobState] = open_states(),
        note: Note | None = None,
        **values: Any,
    ) -> bool:
        def change() -> bool:
            job = self.jobs.get(job_id)
            if job is None or job.state not in among:
                return False
            noted = () if note is None or note in job.history else (note,)
            self.jobs[job_id] = replace(job, history=(*job.history, *noted), **values)
            return True

        return self._scheduler.call(what, change, _lost)


class LapsingLeases:
    """Anybody may find that they hold one, or that somebody else does."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def acquire(self, name: str, holder: str, ttl_s: int) -> bool:  # noqa: ARG002 - the scheduler decides
        return self._scheduler.call(f"lease {name}", lambda: self._scheduler.random.random() < 0.7, _lost)

    def release(self, name: str, holder: str) -> None:  # noqa: ARG002 - nobody holds anything for sure
        self._scheduler.call(f"release {name}", lambda: None, _lost)


class SkewedClock:
    """One process's clock."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._ahead_s = scheduler.random.uniform(-CLOCKS_APART_S, CLOCKS_APART_S) / 2
        self._since_s = scheduler.random.uniform(0.0, 1e5)

    def now_ms(self) -> int:
        return int((START_S + self._scheduler.now_s + self._ahead_s) * 1000)

    def monotonic_s(self) -> float:
        return self._since_s + self._scheduler.now_s

    def sleep(self, seconds: float) -> None:
        self._scheduler.sleep(seconds)


def described(bucket_map: BucketMap) -> str:
    """The map in a line of the trace."""
    buckets = " ".join(f"{bucket.index[-10:]}-w{bucket.token}" for bucket in bucket_map.buckets)
    move = bucket_map.move
    return f"{bucket_map.generation}: {buckets}" + (f" {move.kind} {move.phase}" if move else "")
