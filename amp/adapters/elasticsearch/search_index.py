"""The search index on Elasticsearch: every search through the one read alias, every write through a write alias."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson

from amp.adapters.elasticsearch import bulk
from amp.adapters.elasticsearch.client import ElasticsearchClient
from amp.adapters.elasticsearch.criteria_query import root_query
from amp.adapters.elasticsearch.errors import translated
from amp.adapters.elasticsearch.facets import facet_aggregations, facet_values
from amp.adapters.elasticsearch.hits_at_once import MAX_ANSWER_BYTES, HitsAtOnce
from amp.adapters.elasticsearch.sorting import sort_clauses
from amp.domain.criteria import Hit, IndexQuery, SearchPage
from amp.domain.documents import head_doc_id
from amp.errors import BucketsMissing, NotFound, SearchUnavailable, TooLarge
from amp.ports.search_index import Put, PutResult

#: How much longer the client waits than the server works, so that the server's own answer arrives.
_GRACE_S = 1.0
_IDS_AT_ONCE = 1_000


class ElasticsearchSearchIndex:
    def __init__(self, client: ElasticsearchClient) -> None:
        self._client = client
        #: Pairs of shards answered and buckets asked for that were found to be the whole.
        self._whole: set[tuple[int, int]] = set()
        self._hits_at_once = HitsAtOnce()

    def put(self, puts: Sequence[Put]) -> list[PutResult]:
        return bulk.write(self._client, map(_item, puts))

    def search(self, request: IndexQuery) -> SearchPage:
        wanted, hits, size = request.size + 1, list[Hit](), 0  # the one more tells whether there is another page
        answer, asked = self._some(request, wanted)
        first = answer
        while True:
            self._refuse_partial(answer["_shards"]["total"], request.buckets)
            found = [_hit(hit) for hit in answer["hits"]["hits"]]
            for hit in found:
                if request.max_bytes is not None and size >= request.max_bytes:
                    return _page(request, first, hits, more=True)
                hits.append(hit)
                size += len(hit.source)
            if len(hits) == wanted or len(found) < asked:
                return _page(request, first, hits[: request.size], more=len(hits) == wanted)
            following = replace(request, after=hits[-1].sort, total_limit=1, facets=())
            answer, asked = self._some(following, wanted - len(hits))

    def visible(self, ids: Collection[UUID], session: str) -> dict[UUID, int]:
        found: dict[UUID, int] = {}
        wanted = {str(asset_id): asset_id for asset_id in ids}
        texts = list(wanted)
        for start in range(0, len(texts), _IDS_AT_ONCE):
            some = texts[start : start + _IDS_AT_ONCE]
            body = {
                "query": {"bool": {"filter": [{"term": {"latest": True}}, {"terms": {"asset_id": some}}]}},
                "size": len(some),
                "sort": ["_doc"],
                "track_total_hits": False,
                "_source": False,
                "docvalue_fields": ["asset_id", "revision"],
            }
            for hit in self._ask(body, session, self._client.timeout_s)["hits"]["hits"]:
                fields = hit["fields"]
                found[wanted[fields["asset_id"][0]]] = fields["revision"][0]
        return found

    def written(self, places: Mapping[UUID, str]) -> dict[UUID, int]:
        if not places:
            return {}
        docs = [{"_index": alias, "_id": head_doc_id(asset_id), "_source": False} for asset_id, alias in places.items()]
        answer = self._client.post("get documents", "/_mget", orjson.dumps({"docs": docs}), params={}, retries=1)
        # A stale alias is an error of its own document.
        return {
            asset_id: doc["_version"] for asset_id, doc in zip(places, answer["docs"], strict=True) if doc.get("found")
        }

    def _some(self, request: IndexQuery, wanted: int) -> tuple[dict[str, Any], int]:
        """Up to `wanted` hits, fewer where they are large, and how many were asked for."""
        while True:
            asked = self._hits_at_once.of(wanted) if request.sources else wanted
            max_bytes = MAX_ANSWER_BYTES if asked > 1 and request.max_bytes is not None and request.sources else None
            try:
                answer = self._ask(_search_body(request, asked), request.session, request.timeout_s, max_bytes)
            except TooLarge:
                if max_bytes is None:
                    raise
                self._hits_at_once.too_many(asked)
                continue
            if request.sources:
                hits = answer["hits"]["hits"]
                self._hits_at_once.answered(len(hits), sum(len(hit["_source"]["source"]) for hit in hits))
            return answer, asked

    def _ask(
        self, body: dict[str, Any], session: str, timeout_s: float, max_answer_bytes: int | None = None
    ) -> dict[str, Any]:
        params = {"allow_partial_search_results": "false", "timeout": f"{max(1, int(timeout_s * 1000))}ms"}
        if session:
            params["preference"] = hashlib.blake2b(session.encode(), digest_size=8).hexdigest()
        try:
            answer = self._client.post(
                "search",
                f"/{self._client.read_alias}/_search",
                orjson.dumps(body),
                params=params,
                timeout_s=timeout_s + _GRACE_S,
                retries=1,
                max_answer_bytes=max_answer_bytes,
            )
        except NotFound as e:
            raise SearchUnavailable("there is no bucket to search") from e
        if answer["timed_out"]:
            raise SearchUnavailable(f"the search took longer than {timeout_s} s")
        return answer

    def _refuse_partial(self, shards: int, buckets: int) -> None:
        """A lost index is no failed shard: the answer is merely shorter. How many shards make how many buckets is
        looked up once for each number that comes up.
        """
        if not buckets or (shards, buckets) in self._whole:
            return
        with translated("read alias"):
            there = len(self._client.api.indices.get_alias(name=self._client.read_alias).body)
        if there < buckets:
            raise BucketsMissing(f"{buckets - there} of {buckets} buckets are missing from the search index")
        self._whole.add((shards, buckets))


def _item(put: Put) -> bytes:
    document = put.document
    # `source`, the only bytes in it, is kept as a string: it comes back just as it was.
    return bulk.put_item(put.alias, document.doc_id, document.revision, bulk.body_of(document))


def _search_body(request: IndexQuery, size: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "query": root_query(request.criteria, all_versions=request.all_versions),
        "sort": sort_clauses(request),
        "size": size,
        "track_total_hits": True if request.total_limit is None else request.total_limit,
        "_source": ["source"] if request.sources else False,
    }
    if request.after is not None:
        body["search_after"] = request.after
    if request.facets:
        body["aggs"] = facet_aggregations(request.facets)
    return body


def _hit(hit: dict[str, Any]) -> Hit:
    return Hit(hit["_source"]["source"].encode() if "_source" in hit else b"", tuple(hit["sort"]))


def _page(request: IndexQuery, answer: dict[str, Any], hits: Sequence[Hit], *, more: bool) -> SearchPage:
    total = answer["hits"]["total"]
    return SearchPage(
        hits=tuple(hits),
        total=total["value"],
        total_is_exact=total["relation"] == "eq",
        facets=facet_values(request.facets, answer["aggregations"]) if request.facets else {},
        more=more,
    )
