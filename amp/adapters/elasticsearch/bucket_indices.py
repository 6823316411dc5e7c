"""The indices behind the buckets, on Elasticsearch."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from elasticsearch import BadRequestError, NotFoundError

from amp.adapters.elasticsearch.client import ElasticsearchClient
from amp.adapters.elasticsearch.errors import error_type, translated
from amp.adapters.elasticsearch.template import index_template
from amp.errors import NotFound, SearchUnavailable
from amp.ports.bucket_indices import AliasChange, IndexInfo, ReadFilter

#: Maximum number of index names in one URL, which may be 4 KiB long.
_NAMES_AT_ONCE = 40
_ALL_INDICES = 10_000
#: Timeout of a refresh, in seconds. Refreshes queue for a thread pool that has one thread on a small server.
_REFRESH_TIMEOUT_S = 60
#: How much longer the client waits than the server works, in seconds, so that the server's own answer arrives.
_GRACE_S = 1.0
#: Timeout of a merge, in seconds. The server continues when the client stops waiting.
_MERGE_TIMEOUT_S = 600.0
_TIMED_OUT = 408  #: HTTP status
_SEARCHED_TIMEOUT_S = 2


class ElasticsearchBucketIndices:
    def __init__(self, client: ElasticsearchClient) -> None:
        self._client = client
        self._timeouts: dict[str, Any] = {"timeout": client.server_timeout, "master_timeout": client.server_timeout}

    def create(self, index: str, *, loading: bool = False) -> bool:
        # The request includes the template's content: without it, if the template were lost, an index would be created
        # without a mapping and accept any document.
        content = index_template(self._client.settings)["template"]
        if loading:
            content["settings"]["index"] |= {"refresh_interval": "-1", "number_of_replicas": 0}
        with translated(f"create {index}"):
            try:
                answer = self._client.api.indices.create(
                    index=index, mappings=content["mappings"], settings=content["settings"], **self._timeouts
                )
            except BadRequestError as e:
                if error_type(e) == "resource_already_exists_exception":
                    return False
                raise
        _require_acknowledged(answer.body, f"create {index}")
        return True

    def serve(self, index: str, timeout_s: float) -> bool:
        served = index_template(self._client.settings)["template"]["settings"]["index"]
        settings = {name: served[name] for name in ("refresh_interval", "number_of_replicas")}
        patient = self._client.api.options(request_timeout=timeout_s + _GRACE_S, ignore_status=_TIMED_OUT)
        with translated(f"serve {index}"):
            answer = self._client.api.indices.put_settings(index=index, settings=settings, **self._timeouts)
            _require_acknowledged(answer.body, f"serve {index}")
            # `languid`: the new settings must be processed first, since until then the index is green without replicas.
            health = patient.cluster.health(
                index=index, wait_for_status="green", wait_for_events="languid", timeout=f"{math.ceil(timeout_s)}s"
            )
        return not health.body["timed_out"]

    def reclaim(self, index: str) -> None:
        patient = self._client.api.options(request_timeout=_MERGE_TIMEOUT_S)
        with translated(f"reclaim the space of {index}"):
            answer = patient.indices.forcemerge(index=index, only_expunge_deletes=True)
        if answer.body["_shards"]["failed"]:
            raise SearchUnavailable(f"reclaim the space of {index}: some shards failed; try again")

    def drop(self, index: str) -> None:
        with translated(f"drop {index}"):
            answer = self._client.api.indices.delete(
                index=index, ignore_unavailable=True, expand_wildcards="none", **self._timeouts
            )
        _require_acknowledged(answer.body, f"drop {index}")

    def change_aliases(self, change: AliasChange) -> bool:
        actions = _actions(change, self._client.read_alias)
        if not actions:
            return True
        with translated("change aliases"):
            try:
                answer = self._client.api.indices.update_aliases(actions=actions, **self._timeouts)
            except NotFoundError as e:
                if error_type(e) != "aliases_not_found_exception":
                    raise
                # If no write alias was to be removed, the missing alias is the read alias, which is removed already.
                return not change.remove_write
        _require_acknowledged(answer.body, "change aliases")
        return True

    def block(self, index: str) -> None:
        with translated(f"block {index}"):
            answer = self._client.api.indices.add_block(index=index, block="write", **self._timeouts).body
        # The answer names no index if an earlier block has drained it. If that block is still draining, this call waits
        # for it too.
        drained = answer["shards_acknowledged"] or not answer["indices"]
        if not (answer["acknowledged"] and drained and all(entry.get("blocked") for entry in answer["indices"])):
            raise SearchUnavailable(f"block {index}: writes may still be in progress")

    def unblock(self, index: str) -> None:
        with translated(f"unblock {index}"):
            answer = self._client.api.indices.put_settings(
                index=index, settings={"index.blocks.write": None}, **self._timeouts
            )
        _require_acknowledged(answer.body, f"unblock {index}")

    def refresh(self, indices: Sequence[str]) -> None:
        patient = self._client.api.options(request_timeout=_REFRESH_TIMEOUT_S)
        for start in range(0, len(indices), _NAMES_AT_ONCE):
            try:
                with translated("refresh"):
                    answer = patient.indices.refresh(index=list(indices[start : start + _NAMES_AT_ONCE]))
            except NotFound as e:
                raise SearchUnavailable(e.message) from e
            if answer.body["_shards"]["failed"]:
                raise SearchUnavailable("refresh: some shards did not answer")

    def info(self) -> list[IndexInfo]:
        api, pattern, alias = self._client.api, f"{self._client.prefix}-*", self._client.read_alias
        with translated("list indices"):
            indices = api.indices.get(index=pattern, features=["aliases", "settings"]).body
            stats = api.indices.stats(index=pattern, metric="store", level="indices").body["indices"]
            # Search the write aliases: an index that is just being created has none, and no shard that can be searched.
            counts = api.search(
                index=f"{pattern}-w*",
                query={"term": {"deleted": False}},
                aggs={"indices": {"terms": {"field": "_index", "size": _ALL_INDICES}}},
                size=0,
                allow_partial_search_results=False,
            ).body
        documents = {
            bucket["key"]: bucket["doc_count"]
            for bucket in counts.get("aggregations", {}).get("indices", {}).get("buckets", ())
        }
        return [
            IndexInfo(
                index=index,
                write_aliases=tuple(sorted(name for name in entry["aliases"] if name != alias)),
                read=_read_filter(index, entry["aliases"].get(alias)),
                blocked=entry["settings"]["index"].get("blocks", {}).get("write") == "true",
                documents=documents.get(index, 0),
                bytes=stats.get(index, {}).get("primaries", {}).get("store", {}).get("size_in_bytes", 0),
            )
            for index, entry in sorted(indices.items())
        ]

    def searched(self) -> frozenset[str]:
        api = self._client.api.options(request_timeout=_SEARCHED_TIMEOUT_S)
        with translated("get the read alias"):
            try:
                return frozenset(api.indices.get_alias(name=self._client.read_alias).body)
            except NotFoundError:
                return frozenset()


def _actions(change: AliasChange, read_alias: str) -> list[dict[str, Any]]:
    """The removals that must succeed come first, so that nothing else is tried if one fails."""
    return [
        *({"remove": {"index": i, "alias": alias, "must_exist": True}} for i, alias in change.remove_write),
        *({"remove": {"index": i, "alias": read_alias, "must_exist": False}} for i in change.remove_read),
        *({"add": {"index": i, "alias": alias}} for i, alias in change.add_write),
        *({"add": {"index": read.index, "alias": read_alias, "filter": _filter(read)}} for read in change.set_read),
    ]


def _filter(read: ReadFilter) -> dict[str, Any]:
    # `created_ms` is a `long`. In a range over a date, Elasticsearch may take a plain number for a year.
    bounds = {"gte": read.start_ms} | ({} if read.end_ms is None else {"lt": read.end_ms})
    return {"bool": {"filter": [{"range": {"created_ms": bounds}}, {"term": {"deleted": False}}]}}


def _read_filter(index: str, alias: Mapping[str, Any] | None) -> ReadFilter | None:
    if alias is None:
        return None
    bounds = alias["filter"]["bool"]["filter"][0]["range"]["created_ms"]
    return ReadFilter(index, bounds["gte"], bounds.get("lt"))


def _require_acknowledged(answer: Mapping[str, Any], action: str) -> None:
    if not answer["acknowledged"]:
        raise SearchUnavailable(f"{action}: not every node confirmed the change in time")
