"""The raw documents of the simulated cluster's indices."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeVar

import orjson

from amp.domain.documents import Position
from amp.ports.bucket_documents import RawDocument, SliceTotals, TimeRange
from amp.ports.search_index import PutResult
from tests.support.simulated.bulk_twin import BulkWrites, Item, lost, short
from tests.support.simulated.cluster import Index, Stored

_T = TypeVar("_T")


class SimulatedBucketDocuments(BulkWrites):
    #: Bodies end a page after so many documents, as if these were large.
    max_bodies = 2

    def mark(self, index: str) -> str:
        return self._ask(f"mark {index}", lambda: f"[{self._cluster.there(index).written}]")

    def page(
        self,
        index: str,
        of: TimeRange,
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
            return [_raw(stored, bodies) for stored in found[: min(limit, self.max_bodies) if bodies else limit]]

        return self._ask(f"page {index}", read)

    def with_bodies(self, index: str, documents: Collection[RawDocument]) -> Iterator[list[RawDocument]]:
        pending = list(documents)

        def read() -> list[RawDocument]:
            visible = self._cluster.there(index).visible
            given = [(document, visible.get(document.doc_id)) for document in pending[: self.max_bodies]]
            return [_raw(stored, True) for document, stored in given if stored and stored.revision == document.revision]

        while pending:
            page = self._ask(f"bodies {index}", read)
            del pending[: self.max_bodies]
            if page:
                yield page

    def revisions(self, index: str, doc_ids: Collection[str], *, refreshed: bool = False) -> dict[str, int]:
        def read() -> dict[str, int]:
            found = self._cluster.there(index)
            docs = found.visible if refreshed else found.docs
            return {doc_id: docs[doc_id].revision for doc_id in doc_ids if doc_id in docs}

        return self._ask(f"revisions {index}", read)

    def put(self, alias: str, documents: Sequence[RawDocument]) -> list[PutResult]:
        return self.bulk("copy", [self._put_item(alias, document) for document in documents])

    def delete(self, alias: str, documents: Sequence[RawDocument]) -> list[PutResult]:
        return self.bulk("delete", [self._delete_item(alias, document) for document in documents])

    def slices(self, index: str, of: TimeRange, width_ms: int) -> list[SliceTotals]:
        def read() -> list[SliceTotals]:
            sums: dict[int, tuple[int, int]] = {}
            for stored in self._cluster.there(index).visible.values():
                if _covers(of, stored):
                    part = stored.created_ms // width_ms
                    documents, revisions = sums.get(part, (0, 0))
                    sums[part] = documents + 1, revisions + stored.revision
            return [SliceTotals(of.part(part * width_ms, width_ms), *sums[part]) for part in sorted(sums)]

        return self._ask(f"slices {index}", read)

    def count(self, index: str, of: TimeRange) -> int:
        return self._ask(
            f"count {index}",
            lambda: sum(_covers(of, stored) for stored in self._cluster.there(index).visible.values()),
        )

    def median_created_ms(self, index: str, of: TimeRange) -> int | None:
        def read() -> int | None:
            times = sorted(s.created_ms for s in self._cluster.there(index).visible.values() if _covers(of, s))
            return times[len(times) // 2] if times else None

        return self._ask(f"median {index}", read)

    def _ask(self, what: str, read: Callable[[], _T]) -> _T:
        return self._scheduler.call(what, read, lost)

    def _put_item(self, alias: str, document: RawDocument) -> Item:
        def land(index: Index) -> PutResult:
            created_ms = document.position.created_ms
            body = orjson.loads(document.body)
            return self._cluster.land(index, document.doc_id, document.revision, created_ms, body)

        return alias, f"{short(document.doc_id)}@{document.revision}", land

    def _delete_item(self, alias: str, document: RawDocument) -> Item:
        def land(index: Index) -> PutResult:
            return self._cluster.land_delete(index, document.doc_id, document.revision)

        return alias, f"{short(document.doc_id)}@{document.revision}", land


def _covers(of: TimeRange, stored: Stored) -> bool:
    return of.start_ms <= stored.created_ms and (of.end_ms is None or stored.created_ms < of.end_ms)


def _order(stored: Stored) -> tuple[int, str, int, int]:
    return stored.created_ms, stored.asset_id, stored.body["version"], stored.revision


def _raw(stored: Stored, bodies: bool) -> RawDocument:
    position = Position(stored.created_ms, stored.doc_id, stored.body["version"], stored.revision)
    return RawDocument(position, orjson.dumps(stored.body) if bodies else b"")
