"""Evaluates criteria on one search document, with the same result as the search indices."""

from collections.abc import Iterable, Sequence
from typing import Any

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
from amp.domain.documents import Entry, SearchDocument
from amp.domain.types import FieldType

#: The field that holds the value of an entry, by kind. Strings also have their words, as texts do.
_VALUE = {
    FieldType.STRING: "string_value",
    FieldType.TEXT: "text_value",
    FieldType.LONG: "long_value",
    FieldType.DOUBLE: "double_value",
    FieldType.BOOLEAN: "boolean_value",
    FieldType.DATE: "date_value",
}


def matches(criteria: Criteria, document: SearchDocument) -> bool:
    """Return whether a search for `criteria` finds the document. It never finds a tombstone."""
    return not document["deleted"] and _holds(criteria, document)


def _holds(criteria: Criteria, document: SearchDocument) -> bool:
    match criteria:
        case AllOf(parts):
            return all(_holds(part, document) for part in parts)
        case AnyOf(parts):
            return any(_holds(part, document) for part in parts)
        case NotOf(part):
            return not _holds(part, document)
        case TextMatches(words):
            return _has_words(document["words"], words)
        case EntryExists(key):
            return any(entry["key"] == key for entry in document["metadata"])
        case EntryMatches(key, kind, tests):
            return any(_entry_passes(entry, kind, tests) for entry in document["metadata"] if entry["key"] == key)
        case RootExists(field):
            return bool(_root_values(document, field))
        case RootMatches(field, tests):
            return any(_passes(value, document["name_words"], tests) for value in _root_values(document, field))


def _entry_passes(entry: Entry, kind: FieldType, tests: Iterable[Test]) -> bool:
    if _VALUE[kind] not in entry or (kind is FieldType.TEXT and "string_value" in entry):
        return False
    value: Any = entry[_VALUE[kind]]  # type: ignore[literal-required]  # one of the names above
    return _passes(value, entry.get("text_value", ""), tests)


def _root_values(document: SearchDocument, field: RootField) -> Sequence[Any]:
    if field is RootField.LABELS:
        return document["labels"]
    return [document[field.value]] if field.value in document else []  # type: ignore[literal-required]  # named so


def _passes(value: Any, text: str, tests: Iterable[Test]) -> bool:
    """Return whether a value, with the text of its words, passes all tests."""
    return all(_has_words(text, test.words) if isinstance(test, Words) else _compares(value, test) for test in tests)


def _compares(value: Any, test: OneOf | Range | Prefix) -> bool:
    match test:
        case OneOf(values):
            return value in values
        case Prefix(text):
            return bool(value.startswith(text))
        case Range(low, high, low_open, high_open):
            above = low is None or (value > low if low_open else value >= low)
            return above and (high is None or (value < high if high_open else value <= high))


def _has_words(text: str, words: Sequence[str]) -> bool:
    return set(words) <= set(text.split(" "))
