"""The documents of one index behind a bucket, on Elasticsearch: paged by sort values, marked by sequence numbers."""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson

from amp.adapters.elasticsearch import bulk
from amp.adapters.elasticsearch.client import ElasticsearchClient
from amp.adapters.elasticsearch.errors import translated
from amp.adapters.elasticsearch.hits_at_once import HitsAtOnce
from amp.domain.documents import IndexedDocument
from amp.errors import NotFound, SearchUnavailable, TooLarge
from amp.ports.bucket_documents import MAX_PAGE_BYTES, Position, RawDocument, SliceTotals, TimeRange, Totals
from amp.ports.search_index import PutResult

_ORDER = ("created_ms", "asset_id", "version", "revision")
#: Of what looks at every document of a range, and of which nobody waits for the answer.
_SUMS_TIMEOUT_S = 60.0
#: How much longer the client waits than the server works, so that the server's own answer arrives.
_GRACE_S = 1.0
_IDS_AT_ONCE = _DOCUMENTS_AT_ONCE = 1_000

#: Of heads and superseded versions alike.
_ADDED_UP = {"versions": "version", "created": "created_ms"}


class ElasticsearchBucketDocuments:
    """Reads ask the index by its name, where no filter hides anything."""

    def __init__(self, client: ElasticsearchClient) -> None:
        self._client = client
        self._hits_at_once = HitsAtOnce()

    def mark(self, index: str) -> str:
        """The global checkpoint of each shard: up to it every copy has every write, and no number is given again."""
        api = self._client.api
        shard_count = "index.number_of_shards"
        with translated(f"mark {index}"):
            settings = api.indices.get_settings(index=index, name=shard_count, flat_settings=True).body
            stats = api.indices.stats(index=index, metric="get", level="shards").body
        known = {
            # What a copy knows of it may be old, never too new. One that is only just starting knows nothing.
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
        found: list[RawDocument] = []
        ends: list[Position] = []
        for shard, checkpoint in enumerate(orjson.loads(since)):
            later = {"range": {"_seq_no": {"gt": checkpoint}}}
            body["query"] = {"bool": {"filter": [*_within(of, after), later]}}
            page, asked = self._page(index, body, limit, f"_shards:{shard}")
            found += page
            if len(page) == asked:
                ends.append(page[-1].position)
        # What other shards hold past the end of a full page may come after more of its shard.
        end = min(map(_sort_key, ends), default=None)
        found = [document for document in found if end is None or _sort_key(document.position) <= end]
        return sorted(found, key=lambda document: _sort_key(document.position))[:limit]

    def with_bodies(self, index: str, documents: Collection[RawDocument]) -> Iterator[list[RawDocument]]:
        pending = list(documents)

        def read(count: int, max_answer_bytes: int | None) -> list[RawDocument]:
            return self._get(index, pending[:count], max_answer_bytes)

        while pending:
            page, asked = self._some(len(pending), read)
            del pending[:asked]
            if page:
                yield page

    def _get(self, index: str, documents: Sequence[RawDocument], max_answer_bytes: int | None) -> list[RawDocument]:
        body = orjson.dumps({"ids": [document.doc_id for document in documents]})
        answer = self._client.post(
            f"get {index}",
            f"/{index}/_mget",
            body,
            params={"realtime": "false"},  # the same as searches see
            retries=1,
            max_answer_bytes=max_answer_bytes,
        )
        found: list[RawDocument] = []
        for document, given in zip(documents, answer["docs"], strict=True):
            _refuse_error(index, given.get("error"))
            if given["found"] and given["_version"] == document.revision:
                found.append(replace(document, body=orjson.dumps(given["_source"])))
        return found

    def _page(
        self, index: str, body: dict[str, Any], limit: int, preference: str = ""
    ) -> tuple[list[RawDocument], int]:
        """A page, and how many documents were asked for."""

        def read(count: int, max_answer_bytes: int | None = None) -> list[RawDocument]:
            sized = body | {"size": count}
            answer = self._search(index, sized, self._client.timeout_s, preference, max_answer_bytes)
            return [_raw(hit) for hit in answer["hits"]["hits"]]

        return self._some(limit, read) if body["_source"] else (read(limit), limit)

    def _some(self, wanted: int, read: Callable[[int, int | None], list[RawDocument]]) -> tuple[list[RawDocument], int]:
        """Up to `wanted` documents with their bodies, fewer where these are large, and how many were asked for."""
        while True:
            asked = self._hits_at_once.of(wanted)
            try:
                found = read(asked, MAX_PAGE_BYTES if asked > 1 else None)
            except TooLarge:
                if asked == 1:
                    raise
                self._hits_at_once.too_many(asked)
                continue
            self._hits_at_once.answered(len(found), sum(len(document.body) for document in found))
            return found, asked

    def revisions(self, index: str, doc_ids: Collection[str], *, refreshed: bool = False) -> dict[str, int]:
        ids, found = list(doc_ids), {}
        params = {"_source": "false", "realtime": "false" if refreshed else "true"}
        for start in range(0, len(ids), _IDS_AT_ONCE):
            body = orjson.dumps({"ids": ids[start : start + _IDS_AT_ONCE]})
            answer = self._client.post(f"get {index}", f"/{index}/_mget", body, params=params, retries=1)
            for document in answer["docs"]:
                _refuse_error(index, document.get("error"))
                if document["found"]:
                    found[document["_id"]] = document["_version"]
        return found

    def put(self, alias: str, documents: Sequence[RawDocument]) -> list[PutResult]:
        return bulk.write(self._client, (bulk.put_item(alias, d.doc_id, d.revision, d.body) for d in documents))

    def delete(self, alias: str, documents: Sequence[RawDocument]) -> list[PutResult]:
        return bulk.write(self._client, (bulk.delete_item(alias, d.doc_id, d.revision) for d in documents))

    def slices(self, index: str, of: TimeRange, width_ms: int) -> list[SliceTotals]:
        by_time = {"field": "created_ms", "interval": width_ms, "min_doc_count": 1}
        revisions = {"revisions": {"sum": {"field": "revision"}}}
        answer = self._sums(index, of, {"slices": {"histogram": by_time, "aggs": revisions}})
        return [
            SliceTotals(of.part(int(part["key"]), width_ms), part["doc_count"], int(part["revisions"]["value"]))
            for part in answer["aggregations"]["slices"]["buckets"]
        ]

    def totals(self, index: str, of: TimeRange, width_ms: int) -> dict[int, Totals]:
        by_time = {"field": "created_ms", "interval": width_ms, "min_doc_count": 1}
        added_up = {name: {"sum": {"field": field}} for name, field in _ADDED_UP.items()}
        heads = {"deleted": {"filter": {"term": {"deleted": True}}}, "revisions": {"sum": {"field": "revision"}}}
        shown = [{"term": {"latest": False}}, {"term": {"deleted": False}}]
        parts = {
            "heads": {"filter": {"term": {"latest": True}}, "aggs": heads | added_up},
            "superseded": {"filter": {"bool": {"filter": shown}}, "aggs": added_up},
        }
        answer = self._sums(index, of, {"slices": {"histogram": by_time, "aggs": parts}})
        return {
            int(part["key"]): Totals(
                heads=part["heads"]["doc_count"],
                deleted=part["heads"]["deleted"]["doc_count"],
                revisions=int(part["heads"]["revisions"]["value"]),
                superseded=part["superseded"]["doc_count"],
                **{
                    name: int(part["heads"][name]["value"]) + int(part["superseded"][name]["value"])
                    for name in _ADDED_UP
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
        found: list[tuple[str, RawDocument]] = []
        while True:
            hits = self._search(pattern, body, self._client.timeout_s)["hits"]["hits"]
            found += [(hit["_index"], _of_asset(hit)) for hit in hits]
            if len(hits) < _DOCUMENTS_AT_ONCE:
                return found
            body["search_after"] = hits[-1]["sort"]

    def matches(self, found: RawDocument, wanted: IndexedDocument) -> bool:
        # Through JSON, as it came to the index.
        return bool(orjson.loads(found.body) == orjson.loads(bulk.body_of(wanted)))

    def count(self, index: str, of: TimeRange) -> int:
        total: int = self._sums(index, of, {})["hits"]["total"]["value"]
        return total

    def median_created_ms(self, index: str, of: TimeRange) -> int | None:
        percentiles = {"field": "created_ms", "percents": [50], "keyed": False}
        bounds = {"least": {"min": {"field": "created_ms"}}, "most": {"max": {"field": "created_ms"}}}
        answer = self._sums(index, of, {"half": {"percentiles": percentiles}, **bounds})
        found = answer["aggregations"]
        middle = found["half"]["values"][0]["value"]
        if middle is None:
            return None
        # It is interpolated, and might lie a rounding error outside.
        return int(min(max(middle, found["least"]["value"]), found["most"]["value"]))

    def _sums(self, index: str, of: TimeRange, aggregations: dict[str, Any]) -> dict[str, Any]:
        body = {"query": {"bool": {"filter": _within(of)}}, "size": 0, "track_total_hits": True}
        return self._search(index, body | ({"aggs": aggregations} if aggregations else {}), _SUMS_TIMEOUT_S)

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
        path, whole = f"/{index}/_search", timeout_s + _GRACE_S
        answer = self._client.post(
            f"read {index}",
            path,
            orjson.dumps(body),
            params=params,
            timeout_s=whole,
            retries=1,
            max_answer_bytes=max_answer_bytes,
        )
        if answer["timed_out"]:
            raise SearchUnavailable(f"reading {index} took longer than {timeout_s} s")
        return answer


def _within(of: TimeRange, after: Position | None = None) -> list[dict[str, Any]]:
    # Only documents have it, and not the nested entries within. What lies before `after` need not be looked at.
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


def _of_asset(hit: dict[str, Any]) -> RawDocument:
    """By its external version, whatever the document itself says."""
    source = hit["_source"]
    place = Position(source.get("created_ms", 0), hit["_id"], source.get("version", 0), hit["_version"])
    return RawDocument(place, tombstone=bool(source.get("deleted")))


def _sort_key(position: Position) -> tuple[int, str, int, int]:
    return position.created_ms, position.asset_id, position.version, position.revision


def _refuse_error(index: str, error: dict[str, Any] | None) -> None:
    if error is not None:
        failure = NotFound if error["type"] == "index_not_found_exception" else SearchUnavailable
        raise failure(f"get {index}: {error['reason']}")
