"""Search documents: an asset as the search index stores it, in one fixed shape for every type (ADR 003)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NotRequired, TypedDict
from uuid import UUID

from amp.domain.assets import Asset, State, Value, Version
from amp.domain.sort_values import boolean_sort_value, date_sort_value, number_sort_value, string_sort_value
from amp.domain.times import parse_ms
from amp.domain.tokens import tokenize
from amp.domain.types import AssetType, FieldType

#: Length of an asset id, in characters.
_ASSET_ID_CHARS = 36


class Entry(TypedDict):
    """One metadata value: its key and exactly one typed value. A string also has its words, for searches."""

    key: str
    string_value: NotRequired[str]
    text_value: NotRequired[str]  #: words, separated by spaces
    long_value: NotRequired[int]
    double_value: NotRequired[float]
    boolean_value: NotRequired[bool]
    date_value: NotRequired[int]  #: milliseconds since 1970
    sort_value: NotRequired[str]  #: for every kind except text; see `amp.domain.sort_values`


class SearchDocument(TypedDict):
    asset_id: str
    version: int
    revision: int
    latest: bool
    deleted: bool
    created_ms: int
    #: The same time as a date: Elasticsearch skips whole shards by a date range, not by a range over a `long`.
    created: int
    type: str
    project: str
    #: A tombstone has none of the following fields.
    updated: NotRequired[int]  #: milliseconds since 1970
    external_id: NotRequired[str]
    name: NotRequired[str]
    state: NotRequired[str]
    labels: NotRequired[list[str]]
    name_words: NotRequired[str]
    words: NotRequired[str]  #: the words of everything searchable: name, external id, labels, strings and texts
    metadata: NotRequired[list[Entry]]
    source: NotRequired[bytes]  #: the asset's JSON as GET returns it at this revision


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """A search document with its `_id` and with the revision, which is its external version."""

    doc_id: str
    revision: int
    body: SearchDocument


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a document in the order of pages: by creation time, asset, version, revision. Writing a document
    again moves it forward in that order, never back.
    """

    created_ms: int
    doc_id: str  #: begins with the asset's id
    version: int  #: the asset's version
    revision: int  #: distinguishes a superseded version from a head that still has that version

    @property
    def asset_id(self) -> str:
        return self.doc_id[:_ASSET_ID_CHARS]


def head_doc_id(asset_id: UUID) -> str:
    return str(asset_id)


def superseded_doc_id(asset_id: UUID, version: int) -> str:
    return f"{asset_id}:{version}"


def head_document(asset: Asset, asset_type: AssetType, source: bytes) -> IndexedDocument:
    """Return the head document; a tombstone if the asset is not active. `source` is the asset's JSON."""
    body = _base(asset, asset.version, latest=True)
    if asset.state is State.ACTIVE:
        _fill(body, asset, asset, asset_type, source)
    return IndexedDocument(head_doc_id(asset.id), asset.revision, body)


def superseded_document(asset: Asset, version: Version, asset_type: AssetType, source: bytes) -> IndexedDocument:
    """Return the document of a version that is not the head's, with the asset's present revision. It is a tombstone if
    the asset is not active.
    """
    body = _base(asset, version.version, latest=False)
    if asset.state is State.ACTIVE:
        _fill(body, asset, version, asset_type, source)
    return IndexedDocument(superseded_doc_id(asset.id, version.version), asset.revision, body)


def dropped_document(asset: Asset, version: int) -> IndexedDocument:
    """Return the tombstone of a version that is no longer kept."""
    body = _base(asset, version, latest=False)
    body["deleted"] = True
    return IndexedDocument(superseded_doc_id(asset.id, version), asset.revision, body)


def _base(asset: Asset, version: int, *, latest: bool) -> SearchDocument:
    created = asset.created_ms
    return {
        "asset_id": str(asset.id),
        "version": version,
        "revision": asset.revision,
        "latest": latest,
        "deleted": asset.state is not State.ACTIVE,
        "created_ms": created,
        "created": created,
        "type": asset.type,
        "project": asset.project,
    }


def _fill(body: SearchDocument, asset: Asset, content: Asset | Version, asset_type: AssetType, source: bytes) -> None:
    entries = list(_entries(content.metadata, asset_type))
    name_words = _words(content.name)
    words = [name_words, *(entry["text_value"] for entry in entries if "text_value" in entry)]
    words += [_words(label) for label in content.labels]
    if asset.external_id is not None:
        body["external_id"] = asset.external_id
        words.append(_words(asset.external_id))
    body["updated"] = content.updated_ms
    body["name"] = content.name
    body["state"] = asset.state.value
    body["labels"] = list(content.labels)
    body["name_words"] = name_words
    body["words"] = " ".join(filter(None, words))
    body["metadata"] = entries
    body["source"] = source


def _entries(metadata: Mapping[str, Value], asset_type: AssetType) -> Iterator[Entry]:
    fields = asset_type.fields
    for key, value in metadata.items():
        create_entry = _ENTRY[fields[key].type]
        if isinstance(value, tuple):
            # Equal values of one key become one entry, so that counting entries in a facet counts assets.
            for scalar in dict.fromkeys(value):
                yield create_entry(key, scalar)
        else:
            yield create_entry(key, value)


def _string(key: str, value: Any) -> Entry:
    return {"key": key, "string_value": value, "text_value": _words(value), "sort_value": string_sort_value(value)}


def _text(key: str, value: Any) -> Entry:
    return {"key": key, "text_value": _words(value)}


def _long(key: str, value: Any) -> Entry:
    return {"key": key, "long_value": value, "sort_value": number_sort_value(value)}


def _double(key: str, value: Any) -> Entry:
    return {"key": key, "double_value": value, "sort_value": number_sort_value(value)}


def _boolean(key: str, value: Any) -> Entry:
    return {"key": key, "boolean_value": value, "sort_value": boolean_sort_value(value)}


def _date(key: str, value: Any) -> Entry:
    ms = parse_ms(value)
    return {"key": key, "date_value": ms, "sort_value": date_sort_value(ms)}


#: Values are in canonical form, so each has the Python type of its kind.
_ENTRY: Mapping[FieldType, Callable[[str, Any], Entry]] = {
    FieldType.STRING: _string,
    FieldType.TEXT: _text,
    FieldType.LONG: _long,
    FieldType.DOUBLE: _double,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
}


def _words(text: str) -> str:
    # Short values are often repeated: codecs, genres, names.
    return _words_of_short(text) if len(text) <= _MAX_CACHED_CHARS else " ".join(tokenize(text))


_MAX_CACHED_CHARS = 64


@lru_cache(maxsize=1 << 15)
def _words_of_short(text: str) -> str:
    return " ".join(tokenize(text))
