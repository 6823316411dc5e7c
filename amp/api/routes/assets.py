"""Routes that create, list, read, replace, patch, delete and restore assets."""

from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from amp.api import examples
from amp.api.current import amp, principal
from amp.api.idempotency import idempotency_key, read_key
from amp.api.json_body import JSON, MERGE_PATCH, JsonBody
from amp.api.models.assets import AssetCreate, AssetList, AssetPatch, AssetReplacement
from amp.api.operations import Operation, ResponseSpec
from amp.api.pages import next_cursor, read_position
from amp.api.parameters import (
    CURSOR,
    DELETED,
    EXTERNAL_ID,
    FIELDS,
    LIMIT,
    LONGS,
    PROJECT,
    TIMEOUT,
    TYPE,
    WAIT_FOR,
)
from amp.api.preconditions import etag, precondition
from amp.api.presenters import asset_or_not_modified, asset_response, is_visible, requested_shape, require_visible
from amp.api.responses import await_searchable, empty_response, json_response
from amp.api.routes.terms import (
    ASSET,
    CHANGED,
    CREATED,
    ETAG,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    NOT_MODIFIED,
    PRINCIPAL,
    SEARCHABLE,
    UNLESS_MATCH,
)
from amp.domain.assets import asset_json
from amp.domain.changes import DEFAULT_PROJECT
from amp.services.assets.creation import CreateRequest

api = APIBlueprint("assets", __name__, url_prefix="/v1", abp_tags=[Tag(name="assets")])

_WAIT = (WAIT_FOR, TIMEOUT)


@Operation(
    api,
    "post",
    "/assets",
    query=(*_WAIT, LONGS),
    headers=(IDEMPOTENCY_KEY, PRINCIPAL),
    body=JsonBody(AssetCreate, examples.CLIP),
    responses={201: CREATED},
    errors=(409, 410, 422, 503),
)
def create_asset(body: AssetCreate) -> Response:
    """Create an asset.

    Its type must be registered. The type of the example is the example of `POST /v1/types`. The body of a GET response
    can be sent to another catalogue: members that the server sets are ignored.
    """
    key = read_key()
    create_request = CreateRequest(body.draft(), None if key is None else idempotency_key(key, body.content()))
    asset = amp().assets.creation.create(create_request, principal())
    return asset_response(asset, 201, await_searchable([asset]))


@Operation(
    api,
    "get",
    "/assets",
    query=(TYPE, PROJECT, EXTERNAL_ID, LIMIT, CURSOR, FIELDS, LONGS, DELETED),
    headers=(PRINCIPAL,),
    responses={200: ResponseSpec("A page of assets.", AssetList)},
    errors=(503,),
)
def list_assets() -> Response:
    """List assets from the store: those of a type, those of a project, the one with an external id, or all.

    Deleted assets are not listed, except with `external_id` and `deleted=true`. A page may have fewer than `limit`
    items. Only the last page has no `next_cursor`.
    """
    shape = requested_shape()
    external_id = EXTERNAL_ID.read()
    if external_id is not None:
        asset = amp().assets.reader.by_external_id(PROJECT.read() or DEFAULT_PROJECT, external_id, principal())
        assets = [asset] if asset and is_visible(asset) and TYPE.read() in (None, asset.type) else []
        return json_response({"items": [shape.apply(asset_json(asset)) for asset in assets], "next_cursor": None})
    bound_to = ["assets", TYPE.read(), PROJECT.read()]
    page, after = amp().assets.reader.list(
        type_name=TYPE.read(),
        project=PROJECT.read(),
        position=read_position(str, bound_to),
        limit=LIMIT.read(),
        principal=principal(),
    )
    items = [shape.apply(asset_json(asset)) for asset in page]
    return json_response({"items": items, "next_cursor": next_cursor(after, bound_to)})


@Operation(
    api,
    "get",
    "/assets/<asset_id>",
    query=(DELETED, LONGS),
    headers=(IF_NONE_MATCH, PRINCIPAL),
    responses={200: ASSET, 304: NOT_MODIFIED},
    errors=(404, 410, 503),
)
def get_asset(asset_id: UUID) -> Response:
    """Read an asset.

    The response for a deleted asset is 410, or the asset with `deleted=true`.
    """
    return asset_or_not_modified(require_visible(amp().assets.reader.get(asset_id, principal())))


@Operation(
    api,
    "put",
    "/assets/<asset_id>",
    query=(*_WAIT, LONGS),
    headers=(IF_MATCH, UNLESS_MATCH, PRINCIPAL),
    body=JsonBody(AssetReplacement, examples.CLIP_REPLACEMENT),
    responses={200: CHANGED},
    errors=(404, 409, 410, 412, 422, 503),
)
def replace_asset(asset_id: UUID, body: AssetReplacement) -> Response:
    """Replace name, metadata and labels of an asset.

    The body of a GET response can be sent back: members that cannot change must have their present values, and other
    members that the server sets are ignored. A request that changes nothing creates no revision.
    """
    asset = amp().assets.editing.edit(asset_id, body.applied_to, precondition(), principal())
    return asset_response(asset, headers=await_searchable([asset]))


@Operation(
    api,
    "patch",
    "/assets/<asset_id>",
    query=(*_WAIT, LONGS),
    headers=(IF_MATCH, UNLESS_MATCH, PRINCIPAL),
    body=JsonBody(AssetPatch, examples.CLIP_PATCH, (MERGE_PATCH, JSON)),
    responses={200: CHANGED},
    errors=(404, 409, 410, 412, 422, 503),
)
def patch_asset(asset_id: UUID, body: AssetPatch) -> Response:
    """Change name, metadata or labels of an asset.

    The body is a JSON Merge Patch (RFC 7396). Omitted members do not change; null removes a value. Other members must
    have their present values, if they are given.
    """
    asset = amp().assets.editing.edit(asset_id, body.applied_to, precondition(), principal())
    return asset_response(asset, headers=await_searchable([asset]))


@Operation(
    api,
    "delete",
    "/assets/<asset_id>",
    query=_WAIT,
    headers=(IF_MATCH, UNLESS_MATCH, PRINCIPAL),
    responses={204: ResponseSpec("The asset is deleted.", headers=(ETAG, SEARCHABLE))},
    errors=(404, 409, 412, 503),
)
def delete_asset(asset_id: UUID) -> Response:
    """Delete an asset.

    A deleted asset can be restored. Deleting it again changes nothing.
    """
    asset = amp().assets.editing.delete(asset_id, precondition(), principal())
    return empty_response(204, {"ETag": etag(asset.revision), **await_searchable([asset])})


@Operation(
    api,
    "post",
    "/assets/<asset_id>/restore",
    query=(*_WAIT, LONGS),
    headers=(IF_MATCH, UNLESS_MATCH, PRINCIPAL),
    responses={200: CHANGED},
    errors=(404, 409, 412, 503),
)
def restore_asset(asset_id: UUID) -> Response:
    """Restore a deleted asset.

    Restoring an asset that is not deleted changes nothing.
    """
    asset = amp().assets.editing.restore(asset_id, precondition(), principal())
    return asset_response(asset, headers=await_searchable([asset]))
