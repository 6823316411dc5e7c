"""Shows assets, versions and search hits as the caller asked for them: all fields or some, longs as numbers or text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Response, request

from amp.api.errors import BadRequest
from amp.api.parameters import DELETED, FIELDS, LONGS
from amp.api.preconditions import etag
from amp.api.responses import json_response
from amp.domain.assets import Asset, State, asset_json
from amp.domain.criteria import FacetValues, Hit
from amp.domain.queries import METADATA_PREFIX
from amp.domain.types import KEY
from amp.errors import AssetDeleted, BadQuery
from amp.services.search.search import SearchResults

ASSET_FIELDS = (
    "id",
    "external_id",
    "type",
    "type_version",
    "name",
    "project",
    "metadata",
    "labels",
    "version",
    "revision",
    "state",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
)


@dataclass(frozen=True)
class Shape:
    """How items are shown."""

    fields: tuple[str, ...] | None = None  #: None: all
    longs_as_text: bool = False

    def of(self, document: dict[str, Any]) -> dict[str, Any]:
        """`document`, an asset's JSON, in this shape."""
        if self.longs_as_text:
            document["metadata"] = {key: _as_text(value) for key, value in document["metadata"].items()}
        return document if self.fields is None else _picked(document, self.fields)

    def of_hit(self, hit: Hit) -> Any:
        # As it was indexed, it goes out without being read.
        if self.fields is None and not self.longs_as_text:
            return orjson.Fragment(hit.source)
        return self.of(orjson.loads(hit.source))


def shape_asked() -> Shape:
    """The shape that the query parameters ask for.

    :raises BadRequest: there is no such field.
    """
    fields = FIELDS.read()
    for name in fields or ():
        if not _is_field(name):
            raise BadRequest(f"query parameter fields: {_no_field(name)}")
    return Shape(fields, LONGS.read() == "string")


def shape_of_search(fields: Sequence[str] | None) -> Shape:
    """The same, with the fields that the body asks for.

    :raises BadQuery: there is no such field.
    """
    for i, name in enumerate(fields or ()):
        if not _is_field(name):
            raise BadQuery.at(f"/fields/{i}", _no_field(name))
    return Shape(None if fields is None else tuple(dict.fromkeys(fields)), LONGS.read() == "string")


def _is_field(name: str) -> bool:
    key = name.removeprefix(METADATA_PREFIX)
    return name in ASSET_FIELDS or (key != name and KEY.fullmatch(key) is not None)


def _no_field(name: str) -> str:
    return f"{name[:128]!r} is none of {', '.join(ASSET_FIELDS)} and metadata.<key>"


def is_shown(asset: Asset) -> bool:
    return asset.state is State.ACTIVE or DELETED.read()


def shown(asset: Asset) -> Asset:
    """:raises Gone: it is deleted, and the caller did not ask for deleted ones."""
    if not is_shown(asset):
        raise AssetDeleted(
            f"asset {asset.id} is deleted; deleted=true shows it", id=str(asset.id), revision=asset.revision
        )
    return asset


def asset_response(asset: Asset, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """One asset, with its ETag; a new one with its place."""
    all_headers = {"ETag": etag(asset.revision), **(headers or {})}
    if status == 201:
        all_headers["Location"] = f"{request.script_root}/v1/assets/{asset.id}"
    return json_response(Shape(None, LONGS.read() == "string").of(asset_json(asset)), status, all_headers)


def search_json(answer: SearchResults, shape: Shape, took_ms: int) -> dict[str, Any]:
    return {
        "total": answer.total,
        "total_relation": "eq" if answer.total_is_exact else "gte",
        "items": [shape.of_hit(hit) for hit in answer.hits],
        "next_cursor": answer.next_cursor,
        "facets": {name: _facet_json(values, shape) for name, values in answer.facets.items()},
        "incomplete_buckets": list(answer.incomplete),
        "took_ms": took_ms,
    }


def _facet_json(found: FacetValues, shape: Shape) -> dict[str, Any]:
    values = [
        {"value": _as_text(value) if shape.longs_as_text else value, "count": count} for value, count in found.values
    ]
    return {"values": values, "approximate": found.approximate}


def _as_text(value: Any) -> Any:
    """Whole numbers are longs: doubles are kept as `float`, however whole."""
    match value:
        case bool():
            return value
        case int():
            return str(value)
        case list() | tuple():
            return [_as_text(item) for item in value]
    return value


def _picked(document: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    keys = [name.removeprefix(METADATA_PREFIX) for name in fields if name.startswith(METADATA_PREFIX)]
    found = {name: document[name] for name in fields if name in document}
    if keys and "metadata" not in found:
        found["metadata"] = {key: document["metadata"][key] for key in keys if key in document["metadata"]}
    return found
