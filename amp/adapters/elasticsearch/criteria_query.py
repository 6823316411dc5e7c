"""Criteria as Elasticsearch queries. They are filters only, so nothing is scored and everything can be cached."""

from collections.abc import Sequence
from typing import Any

from amp.adapters.elasticsearch.string_ranges import MAX_LOW_BYTES, cut_low, one_test, prefix_range
from amp.domain.criteria import (
    AllOf,
    AnyOf,
    Criteria,
    EntryExists,
    EntryMatches,
    NotOf,
    OneOf,
    Prefix,
    Range,
    RootExists,
    RootField,
    RootMatches,
    Test,
    TextMatches,
    Words,
)
from amp.domain.sort_values import sort_value
from amp.domain.types import FieldType

Query = dict[str, Any]

_VALUE_FIELDS = {
    FieldType.STRING: "metadata.string_value",
    FieldType.TEXT: "metadata.text_value",
    FieldType.LONG: "metadata.long_value",
    FieldType.DOUBLE: "metadata.double_value",
    FieldType.BOOLEAN: "metadata.boolean_value",
    FieldType.DATE: "metadata.date_value",
}


def root_query(criteria: Criteria, *, all_versions: bool) -> Query:
    """Return the whole query. Its root filter excludes nested entries from the answer, whatever the criteria are."""
    root = {"term": {"deleted": False}} if all_versions else {"term": {"latest": True}}
    return {"bool": {"filter": [root, criteria_query(criteria)]}}


def criteria_query(criteria: Criteria) -> Query:
    match criteria:
        case EntryMatches(key, kind, tests):
            return _nested(key, _entry_tests(kind, tests))
        case EntryExists(key):
            return _nested(key, [])
        case RootMatches(field, tests):
            return _all(_root_tests(field, tests))
        case RootExists(field):
            return {"exists": {"field": field.value}}
        case TextMatches(words):
            return _all(_terms_of("words", words))
        case AllOf(parts):
            return _all([criteria_query(part) for part in parts])
        case AnyOf(()):
            return {"match_none": {}}
        case AnyOf(parts):
            return {"bool": {"should": [criteria_query(part) for part in parts], "minimum_should_match": 1}}
        case NotOf(part):
            return {"bool": {"must_not": [criteria_query(part)]}}


def _all(queries: list[Query]) -> Query:
    if not queries:
        return {"match_all": {}}
    return queries[0] if len(queries) == 1 else {"bool": {"filter": queries}}


def _nested(key: str, tests: list[Query]) -> Query:
    on_entry = _all([{"term": {"metadata.key": key}}, *tests])
    return {"nested": {"path": "metadata", "query": on_entry, "score_mode": "none"}}


def _entry_tests(kind: FieldType, tests: Sequence[Test]) -> list[Query]:
    field = _VALUE_FIELDS[kind]
    return [
        query
        for test in tests
        # The entry of a string contains its words too. Only the field of the string distinguishes it from a text.
        for query in (
            [*_terms_of("metadata.text_value", test.words), *_exists(kind)]
            if isinstance(test, Words)
            else [_test(field, test)]
        )
    ]


def _exists(kind: FieldType) -> list[Query]:
    string = {"exists": {"field": "metadata.string_value"}}
    return [string] if kind is FieldType.STRING else [{"bool": {"must_not": [string]}}]


def _root_tests(field: RootField, tests: Sequence[Test]) -> list[Query]:
    if field is RootField.LABELS:
        return [_test(field.value, one_test(tests))]
    if field is RootField.CREATED:
        # The `long` decides. By the date, Elasticsearch skips whole buckets without reading them.
        ranges = [_test("created", test) for test in tests if isinstance(test, Range)]
        return [*(_test("created_ms", test) for test in tests), *ranges]
    return [
        query
        for test in tests
        for query in (_terms_of("name_words", test.words) if isinstance(test, Words) else [_test(field.value, test)])
    ]


def _terms_of(field: str, words: Sequence[str]) -> list[Query]:
    return [{"term": {field: word}} for word in words]


def _test(field: str, test: Test) -> Query:
    match test:
        case OneOf((value,)):
            return {"term": {field: value}}
        case OneOf(values):
            return {"terms": {field: values}}
        case Range(None, None):
            return {"exists": {"field": field}}
        case Range(str(low)) if len(low.encode()) > MAX_LOW_BYTES:
            return _range_with_long_low(field, low, test)
        case Range(low, high, low_open, high_open):
            bounds = {"gt" if low_open else "gte": low, "lt" if high_open else "lte": high}
            return {"range": {field: {name: bound for name, bound in bounds.items() if bound is not None}}}
        case Prefix(text):
            return _test(field, prefix_range(text))
        case Words(words):
            return _all(_terms_of(field, words))


def _range_with_long_low(field: str, low: str, wanted: Range) -> Query:
    """Return a range whose low bound is longer than Elasticsearch accepts for an indexed field."""
    if field != _VALUE_FIELDS[FieldType.STRING]:
        return _test(field, cut_low(wanted))
    # Sort values are compared without an index, so they may have any length. No other values sort after strings.
    bounds = {"gt" if wanted.low_open else "gte": sort_value(FieldType.STRING, low)}
    if wanted.high is not None:
        bounds["lt" if wanted.high_open else "lte"] = sort_value(FieldType.STRING, wanted.high)
    return {"range": {"metadata.sort_value": bounds}}
