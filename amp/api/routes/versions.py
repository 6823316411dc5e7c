"""Routes that list and read the versions of an asset."""

from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from amp.api.current import amp, principal
from amp.api.models.assets import AssetList
from amp.api.operations import Operation, ResponseSpec
from amp.api.pages import next_cursor, read_position
from amp.api.parameters import CURSOR, DELETED, FIELDS, LIMIT, LONGS
from amp.api.presenters import requested_shape, require_visible
from amp.api.responses import json_response
from amp.api.routes.terms import ASSET, PRINCIPAL
from amp.domain.assets import version_json

api = APIBlueprint("versions", __name__, url_prefix="/v1", abp_tags=[Tag(name="assets")])


@Operation(
    api,
    "get",
    "/assets/<asset_id>/versions",
    query=(LIMIT, CURSOR, FIELDS, LONGS, DELETED),
    headers=(PRINCIPAL,),
    responses={200: ResponseSpec("A page of the asset as it was at each version, newest first.", AssetList)},
    errors=(404, 410, 503),
)
def list_versions(asset_id: UUID) -> Response:
    """List the versions of an asset, newest first."""
    shape = requested_shape()
    bound_to = ["versions", str(asset_id)]
    asset, versions, more = amp().assets.reader.versions(
        asset_id, read_position(int, bound_to), LIMIT.read(), principal()
    )
    require_visible(asset)
    items = [shape.apply(version_json(asset, version)) for version in versions]
    return json_response({"items": items, "next_cursor": next_cursor(versions[-1].version if more else None, bound_to)})


@Operation(
    api,
    "get",
    "/assets/<asset_id>/versions/<version>",
    query=(DELETED, LONGS),
    headers=(PRINCIPAL,),
    responses={200: ResponseSpec("The asset as it was at that version.", ASSET.model)},
    errors=(404, 410, 503),
)
def get_version(asset_id: UUID, version: int) -> Response:
    """Read one version of an asset."""
    asset, asset_version = amp().assets.reader.version(asset_id, version, principal())
    return json_response(requested_shape().apply(version_json(require_visible(asset), asset_version)))
