"""The search index over the simulated cluster."""

from __future__ import annotations

from collections.abc import Sequence

from amp.domain.criteria import Hit, IndexQuery, SearchPage
from amp.errors import SearchUnavailable
from amp.ports.search_index import Put, PutResult
from tests.support.simulated.bulk_twin import BulkWrites, Item, short
from tests.support.simulated.cluster import Index, Stored, found_by
from tests.support.simulated.installation import LONGEST_SEARCH_S
from tests.support.simulated.scheduler import Play


class SimulatedSearchIndex(BulkWrites):
    def put(self, puts: Sequence[Put]) -> list[PutResult]:
        return self.bulk("put", [self._item(put) for put in puts])

    def _item(self, put: Put) -> Item:
        document = put.document
        body = dict(document.body)
        if "source" in body:
            body["source"] = document.body["source"].decode()
        created_ms = document.body["created_ms"]

        def land(index: Index) -> PutResult:
            return self._cluster.land(index, document.doc_id, document.revision, created_ms, body)

        return put.alias, f"{short(document.doc_id)}@{document.revision}", land

    def search_in_steps(self, request: IndexQuery) -> Play[SearchPage]:
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


def _hit(stored: Stored) -> Hit:
    return Hit(stored.body["source"].encode(), (stored.created_ms, stored.asset_id, stored.body["version"]))
