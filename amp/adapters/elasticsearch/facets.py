"""Facets as aggregations, and their answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from amp.adapters.elasticsearch.sorting import root_sort_field
from amp.domain.assets import Scalar
from amp.domain.criteria import FacetOn, FacetValues, RootField
from amp.domain.sort_values import sort_value_json
from amp.domain.times import format_ms

#: Each shard names so many of its values: with fewer distinct ones, counts over several buckets are exact.
_SHARD_SIZE = 5_000
_DATES = (RootField.CREATED, RootField.UPDATED)


def facet_aggregations(facets: Sequence[FacetOn]) -> dict[str, Any]:
    """By their place: a facet's name may hold what an aggregation's may not."""
    return {str(place): _aggregation(facet) for place, facet in enumerate(facets)}


def facet_values(facets: Sequence[FacetOn], answer: Mapping[str, Any]) -> dict[str, FacetValues]:
    return {facet.name: _values(facet, answer[str(place)]) for place, facet in enumerate(facets)}


def _aggregation(facet: FacetOn) -> dict[str, Any]:
    terms: dict[str, Any] = {
        "size": facet.size,
        "shard_size": max(_SHARD_SIZE, facet.size),
        "order": [{"_count": "desc"}, {"_key": "asc"}],
    }
    if facet.root is not None:
        return {"terms": {"field": root_sort_field(facet.root), **terms}}
    # An asset's equal values of one key are one entry, so that entries count assets.
    values = {"terms": {"field": "metadata.sort_value", **terms}}
    of_key = {"filter": {"term": {"metadata.key": facet.key}}, "aggs": {"values": values}}
    return {"nested": {"path": "metadata"}, "aggs": {"of_key": of_key}}


def _values(facet: FacetOn, answer: Mapping[str, Any]) -> FacetValues:
    found = answer if facet.root is not None else answer["of_key"]["values"]
    return FacetValues(
        values=tuple((_value(facet, bucket["key"]), bucket["doc_count"]) for bucket in found["buckets"]),
        approximate=found["doc_count_error_upper_bound"] != 0,
    )


def _value(facet: FacetOn, key: Any) -> Scalar:
    if facet.root is None:
        return sort_value_json(key)
    value: Scalar = format_ms(key) if facet.root in _DATES else key
    return value
