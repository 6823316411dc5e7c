"""Writes to the simulated cluster: each request in the steps that others may come between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from amp.errors import SearchUnavailable
from amp.ports.search_index import PutResult, WriteStatus
from tests.support.simulated.cluster import Index, SimulatedCluster
from tests.support.simulated.scheduler import Play, Scheduler

_STALE = PutResult(WriteStatus.STALE)
_BUSY = PutResult(WriteStatus.BUSY)
_UNANSWERED = PutResult(WriteStatus.BUSY, answered=False)
#: One item of a bulk: its alias, its document for the trace, and what it does at the shard.
Item = tuple[str, str, Callable[[Index], PutResult]]


def lost() -> NoReturn:
    """What a caller gets who waited in vain."""
    raise SearchUnavailable("lost by the scheduler")


class BulkWrites:
    def __init__(self, scheduler: Scheduler, cluster: SimulatedCluster) -> None:
        self._scheduler = scheduler
        self._cluster = cluster

    def bulk(self, what: str, items: Sequence[Item]) -> list[PutResult]:
        if not items:
            return []
        described = " ".join(f"{alias[-14:]}←{doc}" for alias, doc, _ in items)
        return self._scheduler.serve(
            f"{what} {described}", lambda: self._steps(items), lambda: [_UNANSWERED] * len(items)
        )

    def _steps(self, items: Sequence[Item]) -> Play[list[PutResult]]:
        # Where each alias points is found once for the whole request.
        results = [_STALE] * len(items)
        parts: dict[str, list[int]] = {}
        indices: dict[str, Index] = {}
        for position, (alias, _, _) in enumerate(items):
            index = self._cluster.written_through(alias)
            if index is not None:
                index.under_way += 1
                indices[index.name] = index
                # Now and then a part arrives by itself.
                own = f"{index.name}/{position}" if self._scheduler.random.random() < 0.2 else index.name
                parts.setdefault(own, []).append(position)
        for own, positions in parts.items():
            index = indices[own.partition("/")[0]]
            yield self._stall_s()
            if index.blocked or index.refuses:
                for position in positions:
                    results[position] = _BUSY
            else:
                yield self._stall_s()
                for position in positions:
                    results[position] = items[position][2](index)
            index.under_way -= len(positions)
        return results

    def _stall_s(self) -> float:
        return self._scheduler.faults.stall_s(self._scheduler.random)


def short(doc_id: str) -> str:
    return doc_id[32:]
