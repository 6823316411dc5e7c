"""Facets as aggregations of Elasticsearch."""

from collections.abc import Mapping, Sequence
from typing import Any

from amp.adapters.elasticsearch.sorting import root_sort_field
from amp.domain.assets import Scalar
from amp.domain.criteria import FacetOn, FacetValues, RootField
from amp.domain.sort_values import sort_value_json
from amp.domain.times import format_ms

#: Number of values that each shard returns. If there are fewer distinct values, counts over several buckets are exact.
_SHARD_SIZE = 5_000
_DATES = (RootField.CREATED, RootField.UPDATED)


def facet_aggregations(facets: Sequence[FacetOn]) -> dict[str, Any]:
    """Return the aggregations, named by number: a facet's name may contain characters that an aggregation's may not."""
    return {str(number): _aggregation(facet) for number, facet in enumerate(facets)}


def facet_values(facets: Sequence[FacetOn], answer: Mapping[str, Any]) -> dict[str, FacetValues]:
    """Return the values of each facet by its name, read from the answer to these aggregations."""
    return {facet.name: _values(facet, answer[str(number)]) for number, facet in enumerate(facets)}


def _aggregation(facet: FacetOn) -> dict[str, Any]:
    terms: dict[str, Any] = {
        "size": facet.size,
        "shard_size": max(_SHARD_SIZE, facet.size),
        "order": [{"_count": "desc"}, {"_key": "asc"}],
    }
    if facet.root is not None:
        return {"terms": {"field": root_sort_field(facet.root), **terms}}
    # Equal values of one key of an asset are one entry, so counting entries counts assets.
    values = {"terms": {"field": "metadata.sort_value", **terms}}
    of_key = {"filter": {"term": {"metadata.key": facet.key}}, "aggs": {"values": values}}
    return {"nested": {"path": "metadata"}, "aggs": {"of_key": of_key}}


def _values(facet: FacetOn, answer: Mapping[str, Any]) -> FacetValues:
    terms = answer if facet.root is not None else answer["of_key"]["values"]
    return FacetValues(
        values=tuple((_value(facet, bucket["key"]), bucket["doc_count"]) for bucket in terms["buckets"]),
        approximate=terms["doc_count_error_upper_bound"] != 0,
    )


def _value(facet: FacetOn, key: Any) -> Scalar:
    if facet.root is None:
        return sort_value_json(key)
    value: Scalar = format_ms(key) if facet.root in _DATES else key
    return value
