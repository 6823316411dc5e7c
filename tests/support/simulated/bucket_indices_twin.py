"""The indices of the simulated cluster, with their aliases and blocks."""

from __future__ import annotations

from collections.abc import Sequence

from amp.errors import SearchUnavailable
from amp.ports.bucket_indices import AliasChange, IndexInfo
from tests.support.simulated.bulk_twin import lost
from tests.support.simulated.cluster import Index, SimulatedCluster
from tests.support.simulated.scheduler import Play, Scheduler

#: How long a server waits for what is under way before it says that it does not know.
_SERVER_TIMEOUT_S = 5.0


class SimulatedBucketIndices:
    def __init__(self, scheduler: Scheduler, cluster: SimulatedCluster) -> None:
        self._scheduler = scheduler
        self._cluster = cluster

    def create(self, index: str, *, loading: bool = False) -> bool:
        return self._scheduler.call(f"create {index}", lambda: self._cluster.create(index, loading), lost)

    def serve(self, index: str, timeout_s: float) -> bool:  # noqa: ARG002 - its copies are there at once, or never
        def serve() -> bool:
            self._cluster.there(index).loading = False
            return self._scheduler.random.random() > self._scheduler.faults.rate

        return self._scheduler.call(f"serve {index}", serve, lost)

    def reclaim(self, index: str) -> None:
        self._scheduler.call(f"reclaim {index}", lambda: self._cluster.there(index), lost)

    def drop(self, index: str) -> None:
        self._scheduler.call(f"drop {index}", lambda: self._cluster.drop(index), lost)

    def change_aliases(self, change: AliasChange) -> bool:
        described = [f"-{alias[-14:]}" for _, alias in change.remove_write]
        described += [f"+{alias[-14:]}" for _, alias in change.add_write]
        described += [f"{read.index[-10:]}[{read.start_ms},{read.end_ms})" for read in change.set_read]
        described += [f"-{index[-10:]} read" for index in change.remove_read]
        return self._scheduler.call(
            f"aliases {' '.join(described)}", lambda: self._cluster.change_aliases(change), lost
        )

    def block(self, index: str) -> None:
        def steps() -> Play[None]:
            found = self._cluster.there(index)
            found.blocked = True
            deadline_s = self._scheduler.now_s + _SERVER_TIMEOUT_S
            yield lambda: self._cluster.drained(found) or self._scheduler.now_s > deadline_s
            if not self._cluster.drained(found):
                raise SearchUnavailable("writes may still be under way")

        self._scheduler.serve(f"block {index}", steps, lost)

    def unblock(self, index: str) -> None:
        def unblock() -> None:
            self._cluster.there(index).blocked = False

        self._scheduler.call(f"unblock {index}", unblock, lost)

    def refresh(self, indices: Sequence[str]) -> None:
        def steps() -> Play[None]:
            for position, name in enumerate(indices):
                if position:
                    yield None
                found = self._cluster.indices.get(name)
                if found is None:
                    raise SearchUnavailable(f"no such index: {name}")
                self._cluster.refresh(found)

        self._scheduler.serve(f"refresh {' '.join(indices)}", steps, lost)

    def info(self) -> list[IndexInfo]:
        def look() -> list[IndexInfo]:
            return [self._info(self._cluster.indices[name]) for name in sorted(self._cluster.indices)]

        return self._scheduler.call("info", look, lost)

    def searched(self) -> frozenset[str]:
        return self._scheduler.call("searched", lambda: frozenset(self._cluster.read), lost)

    def _info(self, index: Index) -> IndexInfo:
        documents = sum(not stored.body["deleted"] for stored in index.visible.values())
        return IndexInfo(
            index=index.name,
            write_aliases=tuple(sorted(index.aliases)),
            read=self._cluster.read.get(index.name),
            blocked=index.blocked,
            documents=documents,
            bytes=1_000 * documents,
        )
