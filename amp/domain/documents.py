"""Search documents: an asset as either index holds it, one fixed shape for every type (ADR 003)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NotRequired, TypedDict
from uuid import UUID

from amp.domain.assets import Asset, Scalar, State, Value, Version
from amp.domain.sort_values import sort_value
from amp.domain.times import parse_ms
from amp.domain.tokens import tokenize
from amp.domain.types import AssetType, FieldType


class Entry(TypedDict):
    """One metadata value: its key and exactly one typed value; strings are findable by their words as well."""

    key: str
    string_value: NotRequired[str]
    text_value: NotRequired[str]  #: words, parted by spaces
    long_value: NotRequired[int]
    double_value: NotRequired[float]
    boolean_value: NotRequired[bool]
    date_value: NotRequired[int]  #: milliseconds since 1970
    sort_value: NotRequired[str]  #: of every kind but text; see `amp.domain.sort_values`


class SearchDocument(TypedDict):
    asset_id: str
    version: int
    revision: int
    latest: bool
    deleted: bool
    created_ms: int
    #: The same time again: Elasticsearch skips whole shards by a date range, not by a range over a `long`.
    created: int
    type: str
    project: str
    #: From here on absent in a tombstone.
    updated: NotRequired[int]  #: milliseconds since 1970
    external_id: NotRequired[str]
    name: NotRequired[str]
    state: NotRequired[str]
    labels: NotRequired[list[str]]
    name_words: NotRequired[str]
    words: NotRequired[str]  #: of everything searchable: name, external id, labels, strings and texts
    metadata: NotRequired[list[Entry]]
    source: NotRequired[bytes]  #: the asset's JSON as GET gives it at this revision


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """A search document and where it goes: `_id`, and the revision that is its external version."""

    doc_id: str
    revision: int
    body: SearchDocument


def head_doc_id(asset_id: UUID) -> str:
    return str(asset_id)


def superseded_doc_id(asset_id: UUID, version: int) -> str:
    return f"{asset_id}:{version}"


def head_document(asset: Asset, asset_type: AssetType, source: bytes) -> IndexedDocument:
    """The head document; a tombstone if the asset is not active. `source` is the asset's JSON."""
    body = _base(asset, asset.version, latest=True)
    if asset.state is State.ACTIVE:
        _fill(body, asset, asset, asset_type, source)
    return IndexedDocument(head_doc_id(asset.id), asset.revision, body)


def superseded_document(asset: Asset, version: Version, asset_type: AssetType, source: bytes) -> IndexedDocument:
    """The document of a version that is not the head's, under the asset's present revision."""
    body = _base(asset, version.version, latest=False)
    if asset.state is State.ACTIVE:
        _fill(body, asset, version, asset_type, source)
    return IndexedDocument(superseded_doc_id(asset.id, version.version), asset.revision, body)


def dropped_document(asset: Asset, version: int) -> IndexedDocument:
    """The tombstone of a version that fell out of the number kept."""
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
    name_words = " ".join(tokenize(content.name))
    words = [name_words, *(entry["text_value"] for entry in entries if "text_value" in entry)]
    words += [" ".join(tokenize(label)) for label in content.labels]
    if asset.external_id is not None:
        body["external_id"] = asset.external_id
        words.append(" ".join(tokenize(asset.external_id)))
    body["updated"] = content.updated_ms
    body["name"] = content.name
    body["state"] = asset.state.value
    body["labels"] = list(content.labels)
    body["name_words"] = name_words
    body["words"] = " ".join(filter(None, words))
    body["metadata"] = entries
    body["source"] = source


def _entries(metadata: Mapping[str, Value], asset_type: AssetType) -> Iterator[Entry]:
    for key, value in metadata.items():
        kind = asset_type.fields[key].type
        if isinstance(value, tuple):
            # Equal values of one key are one entry, so that entries count assets in facets.
            for scalar in dict.fromkeys(value):
                yield _entry(key, kind, scalar)
        else:
            yield _entry(key, kind, value)


def _entry(key: str, kind: FieldType, value: Scalar) -> Entry:
    match kind:
        case FieldType.STRING:
            text = str(value)
            return {
                "key": key,
                "string_value": text,
                "text_value": " ".join(tokenize(text)),
                "sort_value": sort_value(kind, text),
            }
        case FieldType.TEXT:
            return {"key": key, "text_value": " ".join(tokenize(str(value)))}
        case FieldType.LONG:
            return {"key": key, "long_value": int(value), "sort_value": sort_value(kind, value)}
        case FieldType.DOUBLE:
            return {"key": key, "double_value": float(value), "sort_value": sort_value(kind, value)}
        case FieldType.BOOLEAN:
            return {"key": key, "boolean_value": bool(value), "sort_value": sort_value(kind, value)}
        case FieldType.DATE:
            ms = parse_ms(str(value))
            return {"key": key, "date_value": ms, "sort_value": sort_value(kind, ms)}
