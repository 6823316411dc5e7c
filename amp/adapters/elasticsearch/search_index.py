"""The search index on Elasticsearch. Every search uses the one read alias, every write a write alias."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson

from amp.adapters.elasticsearch import bulk
from amp.adapters.elasticsearch.answer_size import MAX_ANSWER_BYTES, HitLimit
from amp.adapters.elasticsearch.client import ElasticsearchClient
from amp.adapters.elasticsearch.criteria_query import root_query
from amp.adapters.elasticsearch.errors import translated
from amp.adapters.elasticsearch.facets import facet_aggregations, facet_values
from amp.adapters.elasticsearch.sorting import sort_clauses
from amp.domain.criteria import Hit, IndexQuery, SearchPage
from amp.domain.documents import head_doc_id
from amp.errors import BucketsMissing, NotFound, SearchUnavailable, TooLarge
from amp.ports.search_index import Put, PutResult

#: How much longer the client waits than the server works, in seconds, so that the server's own answer arrives.
_GRACE_S = 1.0
_IDS_AT_ONCE = 1_000


class ElasticsearchSearchIndex:
    def __init__(self, client: ElasticsearchClient) -> None:
        self._client = client
        #: Pairs of the number of shards that answered and of required buckets, found to be complete.
        self._complete: set[tuple[int, int]] = set()
        self._hit_limit = HitLimit()

    def put(self, puts: Sequence[Put]) -> list[PutResult]:
        return bulk.write(self._client, map(_item, puts))

    def search(self, query: IndexQuery) -> SearchPage:
        wanted, hits, size = query.size + 1, list[Hit](), 0  # the additional hit shows whether there is another page
        answer, requested = self._read_bounded(query, wanted)
        first = answer
        while True:
            self._require_complete(answer["_shards"]["total"], query.buckets)
            received = [_hit(hit) for hit in answer["hits"]["hits"]]
            for hit in received:
                if query.max_bytes is not None and size >= query.max_bytes:
                    return _page(query, first, hits, more=True)
                hits.append(hit)
                size += len(hit.source)
            if len(hits) == wanted or len(received) < requested:
                return _page(query, first, hits[: query.size], more=len(hits) == wanted)
            rest = replace(query, after=hits[-1].sort, total_limit=1, facets=())
            answer, requested = self._read_bounded(rest, wanted - len(hits))

    def visible(self, ids: Collection[UUID], session: str) -> dict[UUID, int]:
        revisions: dict[UUID, int] = {}
        ids_by_text = {str(asset_id): asset_id for asset_id in ids}
        texts = list(ids_by_text)
        for start in range(0, len(texts), _IDS_AT_ONCE):
            block = texts[start : start + _IDS_AT_ONCE]
            body = {
                "query": {"bool": {"filter": [{"term": {"latest": True}}, {"terms": {"asset_id": block}}]}},
                "size": len(block),
                "sort": ["_doc"],
                "track_total_hits": False,
                "_source": False,
                "docvalue_fields": ["asset_id", "revision"],
            }
            for hit in self._search(body, session, self._client.timeout_s)["hits"]["hits"]:
                fields = hit["fields"]
                revisions[ids_by_text[fields["asset_id"][0]]] = fields["revision"][0]
        return revisions

    def written(self, aliases: Mapping[UUID, str]) -> dict[UUID, int]:
        if not aliases:
            return {}
        docs = [
            {"_index": alias, "_id": head_doc_id(asset_id), "_source": False} for asset_id, alias in aliases.items()
        ]
        answer = self._client.read("get documents", "/_mget", orjson.dumps({"docs": docs}), params={})
        # A stale alias causes an error for its own document only.
        return {
            asset_id: doc["_version"] for asset_id, doc in zip(aliases, answer["docs"], strict=True) if doc.get("found")
        }

    def _read_bounded(self, query: IndexQuery, wanted: int) -> tuple[dict[str, Any], int]:
        """Return an answer with up to `wanted` hits, fewer if they are large, and the number that was requested."""
        while True:
            requested = self._hit_limit.of(wanted) if query.sources else wanted
            max_bytes = MAX_ANSWER_BYTES if requested > 1 and query.max_bytes is not None and query.sources else None
            try:
                answer = self._search(_search_body(query, requested), query.session, query.timeout_s, max_bytes)
            except TooLarge:
                if max_bytes is None:
                    raise
                self._hit_limit.record_too_large(requested)
                continue
            if query.sources:
                hits = answer["hits"]["hits"]
                self._hit_limit.record(len(hits), sum(len(hit["_source"]["source"]) for hit in hits))
            return answer, requested

    def _search(
        self, body: dict[str, Any], session: str, timeout_s: float, max_answer_bytes: int | None = None
    ) -> dict[str, Any]:
        params = {"allow_partial_search_results": "false", "timeout": f"{max(1, int(timeout_s * 1000))}ms"}
        if session:
            params["preference"] = hashlib.blake2b(session.encode(), digest_size=8).hexdigest()
        try:
            answer = self._client.read(
                "search",
                f"/{self._client.read_alias}/_search",
                orjson.dumps(body),
                params=params,
                timeout_s=timeout_s + _GRACE_S,
                max_answer_bytes=max_answer_bytes,
            )
        except NotFound as e:
            raise SearchUnavailable("the search index contains no buckets") from e
        if answer["timed_out"]:
            raise SearchUnavailable(f"the search took longer than {timeout_s} s")
        return answer

    def _require_complete(self, shards: int, buckets: int) -> None:
        """Raise if buckets are missing. A lost index does not count as a failed shard; the answer is merely shorter. So
        the indices in the read alias are counted, once for each pair of numbers that occurs.

        :raises BucketsMissing: the read alias has fewer than `buckets` indices.
        """
        if not buckets or (shards, buckets) in self._complete:
            return
        with translated("get the read alias"):
            existing = len(self._client.api.indices.get_alias(name=self._client.read_alias).body)
        if existing < buckets:
            raise BucketsMissing(f"{buckets - existing} of {buckets} buckets are missing from the search index")
        self._complete.add((shards, buckets))


def _item(put: Put) -> bytes:
    document = put.document
    # `source`, the only bytes in it, is stored as a string, so it is returned unchanged.
    return bulk.put_item(put.alias, document.doc_id, document.revision, bulk.body_of(document))


def _search_body(query: IndexQuery, size: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "query": root_query(query.criteria, all_versions=query.all_versions),
        "sort": sort_clauses(query),
        "size": size,
        "track_total_hits": True if query.total_limit is None else query.total_limit,
        "_source": ["source"] if query.sources else False,
    }
    if query.after is not None:
        body["search_after"] = query.after
    if query.facets:
        body["aggs"] = facet_aggregations(query.facets)
    return body


def _hit(hit: dict[str, Any]) -> Hit:
    return Hit(hit["_source"]["source"].encode() if "_source" in hit else b"", tuple(hit["sort"]))


def _page(query: IndexQuery, answer: dict[str, Any], hits: Sequence[Hit], *, more: bool) -> SearchPage:
    total = answer["hits"]["total"]
    return SearchPage(
        hits=tuple(hits),
        total=total["value"],
        total_is_exact=total["relation"] == "eq",
        facets=facet_values(query.facets, answer["aggregations"]) if query.facets else {},
        more=more,
    )
