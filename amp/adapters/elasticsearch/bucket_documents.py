"""The documents of one index behind a bucket, on Elasticsearch. Pages go by sort values, marks by sequence numbers."""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson

from amp.adapters.elasticsearch import bulk
from amp.adapters.elasticsearch.answer_size import HitLimit
from amp.adapters.elasticsearch.client import ElasticsearchClient
from amp.adapters.elasticsearch.errors import translated
from amp.domain.documents import IndexedDocument, Position
from amp.errors import NotFound, SearchUnavailable, TooLarge
from amp.ports.bucket_documents import MAX_PAGE_BYTES, RawDocument, SliceTotals, TimeRange, Totals
from amp.ports.search_index import PutResult

_ORDER = ("created_ms", "asset_id", "version", "revision")
#: Timeout, in seconds, of a request that reads every document of a range. No client waits for its answer.
_AGGREGATION_TIMEOUT_S = 60.0
#: How much longer the client waits than the server works, in seconds, so that the server's own answer arrives.
_GRACE_S = 1.0
_IDS_AT_ONCE = _DOCUMENTS_AT_ONCE = 1_000

#: Fields that are summed over heads and superseded versions alike.
_SUMMED = {"versions": "version", "created": "created_ms"}


class ElasticsearchBucketDocuments:
    """Reads use the name of the index itself, so no filter of an alias hides documents."""

    def __init__(self, client: ElasticsearchClient) -> None:
        self._client = client
        self._hit_limit = HitLimit()

    def mark(self, index: str) -> str:
        # The global checkpoint of each shard. Every copy has all writes up to it; their numbers are never used again.
        api = self._client.api
        shard_count = "index.number_of_shards"
        with translated(f"mark {index}"):
            settings = api.indices.get_settings(index=index, name=shard_count, flat_settings=True).body
            stats = api.indices.stats(index=index, metric="get", level="shards").body
        known = {
            # The checkpoint that a copy knows may be outdated, but is never too new. A starting copy has none yet.
            int(shard): max((copy["seq_no"]["global_checkpoint"] for copy in copies if "seq_no" in copy), default=None)
            for shard, copies in stats["indices"].get(index, {}).get("shards", {}).items()
        }
        shards = int(settings[index]["settings"][shard_count])
        checkpoints = [known.get(shard) for shard in range(shards)]
        if None in checkpoints:
            raise SearchUnavailable(f"mark {index}: some shards did not answer")
        return orjson.dumps(checkpoints).decode()

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
        body: dict[str, Any] = {
            "query": {"bool": {"filter": _within(of, after)}},
            "sort": list(_ORDER),
            "track_total_hits": False,
            "_source": bodies,
        }
        if after is not None:
            body["search_after"] = [after.created_ms, after.asset_id, after.version, after.revision]
        if since is None:
            page, _ = self._page(index, body, limit)
            return page
        documents: list[RawDocument] = []
        ends: list[Position] = []
        for shard, checkpoint in enumerate(orjson.loads(since)):
            later = {"range": {"_seq_no": {"gt": checkpoint}}}
            body["query"] = {"bool": {"filter": [*_within(of, after), later]}}
            page, requested = self._page(index, body, limit, f"_shards:{shard}")
            documents += page
            if len(page) == requested:
                ends.append(page[-1].position)
        # The shard of a full page may have more documents after it, so the result ends where the first full page ends.
        end = min(map(_sort_key, ends), default=None)
        documents = [document for document in documents if end is None or _sort_key(document.position) <= end]
        return sorted(documents, key=lambda document: _sort_key(document.position))[:limit]

    def with_bodies(self, index: str, documents: Collection[RawDocument]) -> Iterator[list[RawDocument]]:
        pending = list(documents)

        def read(count: int, max_answer_bytes: int | None) -> list[RawDocument]:
            return self._get(index, pending[:count], max_answer_bytes)

        while pending:
            page, requested = self._read_bounded(len(pending), read)
            del pending[:requested]
            if page:
                yield page

    def _get(self, index: str, documents: Sequence[RawDocument], max_answer_bytes: int | None) -> list[RawDocument]:
        body = orjson.dumps({"ids": [document.doc_id for document in documents]})
        answer = self._client.read(
            f"get {index}",
            f"/{index}/_mget",
            body,
            params={"realtime": "false"},  # reads what searches see
            max_answer_bytes=max_answer_bytes,
        )
        unchanged: list[RawDocument] = []
        for document, stored in zip(documents, answer["docs"], strict=True):
            _raise_error(index, stored.get("error"))
            if stored["found"] and stored["_version"] == document.revision:
                unchanged.append(replace(document, body=orjson.dumps(stored["_source"])))
        return unchanged

    def _page(
        self, index: str, body: dict[str, Any], limit: int, preference: str = ""
    ) -> tuple[list[RawDocument], int]:
        """Return a page, and the number of documents that were requested."""

        def read(count: int, max_answer_bytes: int | None = None) -> list[RawDocument]:
            sized = body | {"size": count}
            answer = self._search(index, sized, self._client.timeout_s, preference, max_answer_bytes)
            return [_raw(hit) for hit in answer["hits"]["hits"]]

        return self._read_bounded(limit, read) if body["_source"] else (read(limit), limit)

    def _read_bounded(
        self, wanted: int, read: Callable[[int, int | None], list[RawDocument]]
    ) -> tuple[list[RawDocument], int]:
        """Return up to `wanted` documents with bodies, fewer if these are large, and the number that was requested."""
        while True:
            requested = self._hit_limit.of(wanted)
            try:
                documents = read(requested, MAX_PAGE_BYTES if requested > 1 else None)
            except TooLarge:
                if requested == 1:
                    raise
                self._hit_limit.record_too_large(requested)
                continue
            self._hit_limit.record(len(documents), sum(len(document.body) for document in documents))
            return documents, requested

    def revisions(self, index: str, doc_ids: Collection[str], *, refreshed: bool = False) -> dict[str, int]:
        ids, revisions = list(doc_ids), {}
        params = {"_source": "false", "realtime": "false" if refreshed else "true"}
        for start in range(0, len(ids), _IDS_AT_ONCE):
            body = orjson.dumps({"ids": ids[start : start + _IDS_AT_ONCE]})
            answer = self._client.read(f"get {index}", f"/{index}/_mget", body, params=params)
            for document in answer["docs"]:
                _raise_error(index, document.get("error"))
                if document["found"]:
                    revisions[document["_id"]] = document["_version"]
        return revisions

    def put(self, alias: str, documents: Sequence[RawDocument]) -> list[PutResult]:
        return bulk.write(self._client, (bulk.put_item(alias, d.doc_id, d.revision, d.body) for d in documents))

    def delete(self, alias: str, documents: Sequence[RawDocument]) -> list[PutResult]:
        return bulk.write(self._client, (bulk.delete_item(alias, d.doc_id, d.revision) for d in documents))

    def slices(self, index: str, of: TimeRange, width_ms: int) -> list[SliceTotals]:
        by_time = {"field": "created_ms", "interval": width_ms, "min_doc_count": 1}
        revisions = {"revisions": {"sum": {"field": "revision"}}}
        answer = self._aggregate(index, of, {"slices": {"histogram": by_time, "aggs": revisions}})
        return [
            SliceTotals(of.part(int(part["key"]), width_ms), part["doc_count"], int(part["revisions"]["value"]))
            for part in answer["aggregations"]["slices"]["buckets"]
        ]

    def totals(self, index: str, of: TimeRange, width_ms: int) -> dict[int, Totals]:
        by_time = {"field": "created_ms", "interval": width_ms, "min_doc_count": 1}
        sums = {name: {"sum": {"field": field}} for name, field in _SUMMED.items()}
        heads = {"deleted": {"filter": {"term": {"deleted": True}}}, "revisions": {"sum": {"field": "revision"}}}
        superseded = [{"term": {"latest": False}}, {"term": {"deleted": False}}]
        parts = {
            "heads": {"filter": {"term": {"latest": True}}, "aggs": heads | sums},
            "superseded": {"filter": {"bool": {"filter": superseded}}, "aggs": sums},
        }
        answer = self._aggregate(index, of, {"slices": {"histogram": by_time, "aggs": parts}})
        return {
            int(part["key"]): Totals(
                heads=part["heads"]["doc_count"],
                deleted=part["heads"]["deleted"]["doc_count"],
                revisions=int(part["heads"]["revisions"]["value"]),
                superseded=part["superseded"]["doc_count"],
                **{
                    name: int(part["heads"][name]["value"]) + int(part["superseded"][name]["value"]) for name in _SUMMED
                },
            )
            for part in answer["aggregations"]["slices"]["buckets"]
        }

    def of_assets(self, ids: Collection[UUID]) -> list[tuple[str, RawDocument]]:
        if not ids:
            return []
        pattern = f"{self._client.settings.elasticsearch_index_prefix}-*"
        body: dict[str, Any] = {
            "query": {"bool": {"filter": [{"terms": {"asset_id": [str(asset_id) for asset_id in ids]}}]}},
            "sort": ["asset_id", "version", "revision", "_index"],
            "size": _DOCUMENTS_AT_ONCE,
            "track_total_hits": False,
            "version": True,
            "_source": ["created_ms", "version", "deleted"],
        }
        documents: list[tuple[str, RawDocument]] = []
        while True:
            hits = self._search(pattern, body, self._client.timeout_s)["hits"]["hits"]
            documents += [(hit["_index"], _document_of_asset(hit)) for hit in hits]
            if len(hits) < _DOCUMENTS_AT_ONCE:
                return documents
            body["search_after"] = hits[-1]["sort"]

    def matches(self, found: RawDocument, wanted: IndexedDocument) -> bool:
        # Compared as parsed JSON, because the index received JSON.
        return bool(orjson.loads(found.body) == orjson.loads(bulk.body_of(wanted)))

    def count(self, index: str, of: TimeRange) -> int:
        total: int = self._aggregate(index, of, {})["hits"]["total"]["value"]
        return total

    def median_created_ms(self, index: str, of: TimeRange) -> int | None:
        percentiles = {"field": "created_ms", "percents": [50], "keyed": False}
        bounds = {"min": {"min": {"field": "created_ms"}}, "max": {"max": {"field": "created_ms"}}}
        answer = self._aggregate(index, of, {"median": {"percentiles": percentiles}, **bounds})
        aggregations = answer["aggregations"]
        median = aggregations["median"]["values"][0]["value"]
        if median is None:
            return None
        # The median is interpolated, so a rounding error may put it outside of the range.
        return int(min(max(median, aggregations["min"]["value"]), aggregations["max"]["value"]))

    def _aggregate(self, index: str, of: TimeRange, aggregations: dict[str, Any]) -> dict[str, Any]:
        body = {"query": {"bool": {"filter": _within(of)}}, "size": 0, "track_total_hits": True}
        return self._search(index, body | ({"aggs": aggregations} if aggregations else {}), _AGGREGATION_TIMEOUT_S)

    def _search(
        self,
        index: str,
        body: dict[str, Any],
        timeout_s: float,
        preference: str = "",
        max_answer_bytes: int | None = None,
    ) -> dict[str, Any]:
        params = {"allow_partial_search_results": "false", "timeout": f"{math.ceil(timeout_s * 1000)}ms"}
        if preference:
            params["preference"] = preference
        path = f"/{index}/_search"
        answer = self._client.read(
            f"read {index}",
            path,
            orjson.dumps(body),
            params=params,
            timeout_s=timeout_s + _GRACE_S,
            max_answer_bytes=max_answer_bytes,
        )
        if answer["timed_out"]:
            raise SearchUnavailable(f"reading {index} took longer than {timeout_s} s")
        return answer


def _within(of: TimeRange, after: Position | None = None) -> list[dict[str, Any]]:
    # Only documents have this field; their nested entries do not. Documents before `after` need not be read.
    bounds = {"gte": of.start_ms if after is None else max(of.start_ms, after.created_ms)}
    filters: list[dict[str, Any]] = [
        {"range": {"created_ms": bounds if of.end_ms is None else bounds | {"lt": of.end_ms}}}
    ]
    filters += [{"term": {"type": of.type}}] if of.type is not None else []
    return filters + ([{"term": {"project": of.project}}] if of.project is not None else [])


def _raw(hit: dict[str, Any]) -> RawDocument:
    created_ms, _, version, revision = hit["sort"]
    source = hit.get("_source")
    return RawDocument(
        Position(created_ms, hit["_id"], version, revision), b"" if source is None else orjson.dumps(source)
    )


def _document_of_asset(hit: dict[str, Any]) -> RawDocument:
    """The revision is the external version, whatever the document itself contains."""
    source = hit["_source"]
    position = Position(source.get("created_ms", 0), hit["_id"], source.get("version", 0), hit["_version"])
    return RawDocument(position, tombstone=bool(source.get("deleted")))


def _sort_key(position: Position) -> tuple[int, str, int, int]:
    return position.created_ms, position.asset_id, position.version, position.revision


def _raise_error(index: str, error: dict[str, Any] | None) -> None:
    if error is not None:
        failure = NotFound if error["type"] == "index_not_found_exception" else SearchUnavailable
        raise failure(f"get {index}: {error['reason']}")
