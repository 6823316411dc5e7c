"""Presents assets, versions and search hits as JSON with the requested fields, and longs as numbers or strings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Response, request

from amp.api.errors import BadRequest
from amp.api.parameters import DELETED, FIELDS, LONGS
from amp.api.preconditions import etag, none_match
from amp.api.responses import empty_response, json_response
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
    """The form in which items are presented."""

    fields: tuple[str, ...] | None = None  #: None: all
    longs_as_text: bool = False

    def apply(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return an asset's JSON in this form. May change `document`."""
        if self.longs_as_text:
            document["metadata"] = {key: _as_text(value) for key, value in document["metadata"].items()}
        return document if self.fields is None else _select(document, self.fields)

    def hit_json(self, hit: Hit) -> Any:
        """Return the asset of a search hit in this form."""
        # The complete source is returned as it was indexed, without being parsed.
        if self.fields is None and not self.longs_as_text:
            return orjson.Fragment(hit.source)
        return self.apply(orjson.loads(hit.source))


def requested_shape() -> Shape:
    """Return the form that the query parameters request.

    :raises BadRequest: a requested field does not exist.
    """
    fields = FIELDS.read()
    for name in fields or ():
        if not _is_field(name):
            raise BadRequest(f"query parameter fields: {_unknown_field(name)}")
    return Shape(fields, LONGS.read() == "string")


def search_shape(fields: Sequence[str] | None) -> Shape:
    """Return the form that the query parameters and `fields` of the body request.

    :raises BadQuery: a requested field does not exist.
    """
    for i, name in enumerate(fields or ()):
        if not _is_field(name):
            raise BadQuery.at(f"/fields/{i}", _unknown_field(name))
    return Shape(None if fields is None else tuple(dict.fromkeys(fields)), LONGS.read() == "string")


def _is_field(name: str) -> bool:
    key = name.removeprefix(METADATA_PREFIX)
    return name in ASSET_FIELDS or (key != name and KEY.fullmatch(key) is not None)


def _unknown_field(name: str) -> str:
    return f"unknown field {name[:128]!r}; use {', '.join(ASSET_FIELDS)} or metadata.<key>"


def is_visible(asset: Asset) -> bool:
    """Return whether the request may see the asset: it is active, or the request includes deleted assets."""
    return asset.state is State.ACTIVE or DELETED.read()


def require_visible(asset: Asset) -> Asset:
    """Return `asset` unchanged.

    :raises AssetDeleted: the asset is deleted, and the request does not include deleted assets.
    """
    if not is_visible(asset):
        raise AssetDeleted(
            f"asset {asset.id} is deleted; use deleted=true to read it", id=str(asset.id), revision=asset.revision
        )
    return asset


def asset_response(asset: Asset, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with one asset and its `ETag`, and, if the status is 201, its `Location`."""
    all_headers = {"ETag": etag(asset.revision), **(headers or {})}
    if status == 201:
        all_headers["Location"] = f"{request.script_root}/v1/assets/{asset.id}"
    return json_response(Shape(None, LONGS.read() == "string").apply(asset_json(asset)), status, all_headers)


def asset_or_not_modified(asset: Asset) -> Response:
    """Return a response with the asset, or 304 if `If-None-Match` says that the client has it."""
    if not none_match().holds(asset.revision):
        return empty_response(304, {"ETag": etag(asset.revision)})
    return asset_response(asset)


def search_json(results: SearchResults, shape: Shape, took_ms: int) -> dict[str, Any]:
    return {
        "total": results.total,
        "total_relation": "eq" if results.total_is_exact else "gte",
        "items": [shape.hit_json(hit) for hit in results.hits],
        "next_cursor": results.next_cursor,
        "facets": {name: _facet_json(values, shape) for name, values in results.facets.items()},
        "incomplete_buckets": list(results.incomplete),
        "took_ms": took_ms,
    }


def _facet_json(facet: FacetValues, shape: Shape) -> dict[str, Any]:
    values = [
        {"value": _as_text(value) if shape.longs_as_text else value, "count": count} for value, count in facet.values
    ]
    return {"values": values, "approximate": facet.approximate}


def _as_text(value: Any) -> Any:
    # Every `int` is a long, because doubles are `float` even if they are whole numbers.
    match value:
        case bool():
            return value
        case int():
            return str(value)
        case list() | tuple():
            return [_as_text(item) for item in value]
    return value


def _select(document: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    keys = [name.removeprefix(METADATA_PREFIX) for name in fields if name.startswith(METADATA_PREFIX)]
    selected = {name: document[name] for name in fields if name in document}
    if keys and "metadata" not in selected:
        selected["metadata"] = {key: document["metadata"][key] for key in keys if key in document["metadata"]}
    return selected
