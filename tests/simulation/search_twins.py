"""The search ports over the simulated cluster, each call in the steps that others may come between."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NoReturn

import orjson

from amp.domain.criteria import Hit, SearchPage, SearchRequest
from amp.errors import SearchUnavailable
from amp.ports.bucket_documents import Position, Range, RawDocument, Slice
from amp.ports.bucket_indices import AliasChange, IndexInfo
from amp.ports.search_index import Put, PutResult, Written
from tests.simulation.cluster import Index, SimulatedCluster, Stored, found_by
from tests.simulation.installation import LONGEST_SEARCH_S
from tests.simulation.scheduler import Play, Scheduler

_STALE = PutResult(Written.STALE)
_BUSY = PutResult(Written.BUSY)
#: How long a server waits for what is under way before it says that it does not know.
_SERVER_TIMEOUT_S = 5.0
#: One item of a bulk: its alias, its document for the trace, and what it does at the shard.
_Item = tuple[str, str, Callable[[Index], PutResult]]


def _lost() -> NoReturn:
    raise SearchUnavailable("lost by the scheduler")


class _Writes:
    def __init__(self, scheduler: Scheduler, cluster: SimulatedCluster) -> None:
        self._scheduler = scheduler
        self._cluster = cluster

    def _bulk(self, what: str, items: Sequence[_Item]) -> list[PutResult]:
        if not items:
            return []
        told = " ".join(f"{alias[-14:]}←{doc}" for alias, doc, _ in items)
        return self._scheduler.serve(f"{what} {told}", lambda: self._steps(items), lambda: [_BUSY] * len(items))

    def _steps(self, items: Sequence[_Item]) -> Play[list[PutResult]]:
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
            if index.blocked:
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


class SimulatedSearchIndex(_Writes):
    def put(self, puts: Sequence[Put]) -> list[PutResult]:
        return self._bulk("put", [self._item(put) for put in puts])

    def _item(self, put: Put) -> _Item:
        document = put.document
        body = dict(document.body)
        if "source" in body:
            body["source"] = document.body["source"].decode()
        created_ms = document.body["created_ms"]

        def land(index: Index) -> PutResult:
            return self._cluster.land(index, document.doc_id, document.revision, created_ms, body)

        return put.alias, f"{_short(document.doc_id)}@{document.revision}", land

    def search(self, request: SearchRequest) -> Play[SearchPage]:
        """In steps: the read alias is looked up once, then index after index is read."""
        began_s = self._scheduler.now_s
        resolved = list(self._cluster.read.values())
        found: list[Stored] = []
        for part in resolved:
            yield self._reading_s()
            index = self._cluster.indices.get(part.index)
            if index is not None:  # gone meanwhile: the answer is merely shorter
                found += [
                    stored
                    for stored in index.visible.values()
                    if found_by(part, stored) and (request.all_versions or stored.body["latest"])
                ]
        yield self._reading_s()
        if self._scheduler.now_s - began_s > request.timeout_s:
            raise SearchUnavailable("timed out")
        if len(self._cluster.read) < request.buckets:
            raise SearchUnavailable("buckets are missing")
        hits = sorted((_hit(stored) for stored in found), key=lambda hit: hit.sort, reverse=True)
        if request.after is not None:
            hits = [hit for hit in hits if hit.sort < request.after]
        return SearchPage(
            hits=tuple(hits[: request.size]),
            total=len(found),
            total_is_exact=True,
            facets={},
            more=len(hits) > request.size,
        )

    def _reading_s(self) -> float:
        """Some searches take nearly as long as they may."""
        chance = self._scheduler.random
        return LONGEST_SEARCH_S * chance.random() ** 2 if chance.random() < 0.3 else 0.0


class SimulatedBucketDocuments(_Writes):
    def mark(self, index: str) -> str:
        return self._ask(f"mark {index}", lambda: f"[{self._cluster.there(index).written}]")

    def page(
        self,
        index: str,
        of: Range,
        *,
        after: Position | None = None,
        since: str | None = None,
        limit: int,
        bodies: bool = True,
    ) -> list[RawDocument]:
        def read() -> list[RawDocument]:
            before = -1 if since is None else orjson.loads(since)[0]
            found = [
                stored
                for stored in self._cluster.there(index).visible.values()
                if _covers(of, stored) and stored.written > before
            ]
            found.sort(key=_order)
            if after is not None:
                last = (after.created_ms, after.doc_id[:36], after.version, after.revision)
                found = [stored for stored in found if _order(stored) > last]
            return [_raw(stored, bodies) for stored in found[:limit]]

        return self._ask(f"page {index}", read)

    def revisions(self, index: str, doc_ids: Collection[str]) -> dict[str, int]:
        def read() -> dict[str, int]:
            docs = self._cluster.there(index).docs
            return {doc_id: docs[doc_id].revision for doc_id in doc_ids if doc_id in docs}

        return self._ask(f"revisions {index}", read)

    def put(self, alias: str, documents: Sequence[RawDocument]) -> list[PutResult]:
        return self._bulk("copy", [self._put_item(alias, document) for document in documents])

    def delete(self, alias: str, documents: Sequence[RawDocument]) -> list[PutResult]:
        return self._bulk("delete", [self._delete_item(alias, document) for document in documents])

    def slices(self, index: str, of: Range, width_ms: int) -> list[Slice]:
        def read() -> list[Slice]:
            sums: dict[int, tuple[int, int]] = {}
            for stored in self._cluster.there(index).visible.values():
                if _covers(of, stored):
                    part = stored.created_ms // width_ms
                    documents, revisions = sums.get(part, (0, 0))
                    sums[part] = documents + 1, revisions + stored.revision
            return [Slice(_cut(of, part * width_ms, width_ms), *sums[part]) for part in sorted(sums)]

        return self._ask(f"slices {index}", read)

    def count(self, index: str, of: Range) -> int:
        return self._ask(
            f"count {index}",
            lambda: sum(_covers(of, stored) for stored in self._cluster.there(index).visible.values()),
        )

    def median_created_ms(self, index: str, of: Range) -> int | None:
        def read() -> int | None:
            times = sorted(s.created_ms for s in self._cluster.there(index).visible.values() if _covers(of, s))
            return times[len(times) // 2] if times else None

        return self._ask(f"median {index}", read)

    def _ask(self, what: str, read: Callable[[], object]) -> object:
        return self._scheduler.call(what, read, _lost)

    def _put_item(self, alias: str, document: RawDocument) -> _Item:
        def land(index: Index) -> PutResult:
            created_ms = document.position.created_ms
            body = orjson.loads(document.body)
            return self._cluster.land(index, document.doc_id, document.revision, created_ms, body)

        return alias, f"{_short(document.doc_id)}@{document.revision}", land

    def _delete_item(self, alias: str, document: RawDocument) -> _Item:
        def land(index: Index) -> PutResult:
            return self._cluster.land_delete(index, document.doc_id, document.revision)

        return alias, f"{_short(document.doc_id)}@{document.revision}", land


class SimulatedBucketIndices:
    def __init__(self, scheduler: Scheduler, cluster: SimulatedCluster) -> None:
        self._scheduler = scheduler
        self._cluster = cluster

    def create(self, index: str, *, loading: bool = False) -> bool:
        return self._scheduler.call(f"create {index}", lambda: self._cluster.create(index, loading), _lost)

    def serve(self, index: str, timeout_s: float) -> bool:  # noqa: ARG002 - its copies are there at once, or never
        def serve() -> bool:
            self._cluster.there(index).loading = False
            return self._scheduler.random.random() > self._scheduler.faults.rate

        return self._scheduler.call(f"serve {index}", serve, _lost)

    def reclaim(self, index: str) -> None:
        self._scheduler.call(f"reclaim {index}", lambda: self._cluster.there(index), _lost)

    def drop(self, index: str) -> None:
        self._scheduler.call(f"drop {index}", lambda: self._cluster.drop(index), _lost)

    def change_aliases(self, change: AliasChange) -> bool:
        told = [f"-{alias[-14:]}" for _, alias in change.remove_write]
        told += [f"+{alias[-14:]}" for _, alias in change.add_write]
        told += [f"{read.index[-10:]}[{read.start_ms},{read.end_ms})" for read in change.set_read]
        told += [f"-{index[-10:]} read" for index in change.remove_read]
        return self._scheduler.call(f"aliases {' '.join(told)}", lambda: self._cluster.change_aliases(change), _lost)

    def block(self, index: str) -> None:
        def steps() -> Play[None]:
            found = self._cluster.there(index)
            found.blocked = True
            deadline_s = self._scheduler.now_s + _SERVER_TIMEOUT_S
            yield lambda: self._cluster.drained(found) or self._scheduler.now_s > deadline_s
            if not self._cluster.drained(found):
                raise SearchUnavailable("writes may still be under way")

        self._scheduler.serve(f"block {index}", steps, _lost)

    def unblock(self, index: str) -> None:
        def unblock() -> None:
            self._cluster.there(index).blocked = False

        self._scheduler.call(f"unblock {index}", unblock, _lost)

    def refresh(self, indices: Sequence[str]) -> None:
        def steps() -> Play[None]:
            for position, name in enumerate(indices):
                if position:
                    yield None
                found = self._cluster.indices.get(name)
                if found is None:
                    raise SearchUnavailable(f"no such index: {name}")
                self._cluster.refresh(found)

        self._scheduler.serve(f"refresh {' '.join(indices)}", steps, _lost)

    def info(self) -> list[IndexInfo]:
        def look() -> list[IndexInfo]:
            return [self._info(self._cluster.indices[name]) for name in sorted(self._cluster.indices)]

        return self._scheduler.call("info", look, _lost)

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


def _hit(stored: Stored) -> Hit:
    return Hit(stored.body["source"].encode(), (stored.created_ms, stored.asset_id, stored.body["version"]))


def _short(doc_id: str) -> str:
    return doc_id[32:]


def _covers(of: Range, stored: Stored) -> bool:
    return of.start_ms <= stored.created_ms and (of.end_ms is None or stored.created_ms < of.end_ms)


def _order(stored: Stored) -> tuple[int, str, int, int]:
    return stored.created_ms, stored.asset_id, stored.body["version"], stored.revision


def _raw(stored: Stored, bodies: bool) -> RawDocument:
    position = Position(stored.created_ms, stored.doc_id, stored.body["version"], stored.revision)
    return RawDocument(position, orjson.dumps(stored.body) if bodies else b"")


def _cut(of: Range, start_ms: int, width_ms: int) -> Range:
    end_ms = start_ms + width_ms
    return Range(max(start_ms, of.start_ms), end_ms if of.end_ms is None else min(end_ms, of.end_ms))
