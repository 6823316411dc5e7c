"""Routes of assets: create, list, read, replace, patch, delete, restore."""

from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from amp.api import examples
from amp.api.current import amp, principal
from amp.api.idempotency import idempotency_key, key_given
from amp.api.json_body import JSON, MERGE_PATCH, JsonBody
from amp.api.models.assets import AssetCreate, AssetList, AssetPatch, AssetReplacement
from amp.api.operations import ResponseSpec, operation
from amp.api.pages import next_cursor, position
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
from amp.api.preconditions import etag, none_match, precondition
from amp.api.presenters import asset_response, is_shown, shape_asked, shown
from amp.api.responses import await_if_asked, empty_response, json_response
from amp.api.routes.terms import (
    ASSET,
    CHANGED,
    CREATED,
    ETAG,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    PRINCIPAL,
    SEARCHABLE,
    UNLESS_MATCH,
)
from amp.domain.assets import asset_json
from amp.domain.changes import DEFAULT_PROJECT
from amp.services.assets.creation import CreateRequest

api = APIBlueprint("assets", __name__, url_prefix="/v1", abp_tags=[Tag(name="assets")])

_WAITING = (WAIT_FOR, TIMEOUT)


@operation(
    api,
    "post",
    "/assets",
    query=(*_WAITING, LONGS),
    headers=(IDEMPOTENCY_KEY, PRINCIPAL),
    body=JsonBody(AssetCreate, examples.CLIP),
    answers={201: CREATED},
    refusals=(409, 410, 422, 503),
)
def create_asset(body: AssetCreate) -> Response:
    """Create an asset.

    Its type has to be there: that of the example is the example of `POST /v1/types`.
    """
    key = key_given()
    order = CreateRequest(body.draft(), None if key is None else idempotency_key(key, body.model_dump()))
    asset = amp().assets.creation.create(order, principal())
    return asset_response(asset, 201, await_if_asked([asset]))


@operation(
    api,
    "get",
    "/assets",
    query=(TYPE, PROJECT, EXTERNAL_ID, LIMIT, CURSOR, FIELDS, LONGS, DELETED),
    headers=(PRINCIPAL,),
    answers={200: ResponseSpec("A page of assets.", AssetList)},
    refusals=(503,),
)
def list_assets() -> Response:
    """List assets from the store: of a type, of a project, by external id, or all.

    Deleted ones are not listed; with `external_id` and `deleted=true` one is. A page may be short of `limit`; the last
    page is the one without `next_cursor`.
    """
    shape = shape_asked()
    external_id = EXTERNAL_ID.read()
    if external_id is not None:
        found = amp().assets.reader.by_external_id(PROJECT.read() or DEFAULT_PROJECT, external_id, principal())
        assets = [found] if found and is_shown(found) and TYPE.read() in (None, found.type) else []
        return json_response({"items": [shape.of(asset_json(asset)) for asset in assets], "next_cursor": None})
    bound_to = ["assets", TYPE.read(), PROJECT.read()]
    page, after = amp().assets.reader.list(
        type_name=TYPE.read(),
        project=PROJECT.read(),
        position=position(str, bound_to),
        limit=LIMIT.read(),
        principal=principal(),
    )
    items = [shape.of(asset_json(asset)) for asset in page]
    return json_response({"items": items, "next_cursor": next_cursor(after, bound_to)})


@operation(
    api,
    "get",
    "/assets/<asset_id>",
    query=(DELETED, LONGS),
    headers=(IF_NONE_MATCH, PRINCIPAL),
    answers={200: ASSET, 304: ResponseSpec("The caller has it.", headers=(ETAG,))},
    refusals=(404, 410, 503),
)
def get_asset(asset_id: UUID) -> Response:
    """Read an asset.

    A deleted one is answered with 410; with `deleted=true` it is shown.
    """
    asset = shown(amp().assets.reader.get(asset_id, principal()))
    if not none_match().holds(asset.revision):
        return empty_response(304, {"ETag": etag(asset.revision)})
    return asset_response(asset)


@operation(
    api,
    "put",
    "/assets/<asset_id>",
    query=(*_WAITING, LONGS),
    headers=(IF_MATCH, UNLESS_MATCH, PRINCIPAL),
    body=JsonBody(AssetReplacement, examples.CLIP_REPLACEMENT),
    answers={200: CHANGED},
    refusals=(404, 409, 410, 412, 422, 503),
)
def replace_asset(asset_id: UUID, body: AssetReplacement) -> Response:
    """Replace name, metadata and labels.

    What GET gave can be sent back: fields that never change must be as they are, and those that the server keeps are
    ignored. What changes nothing makes no new revision.
    """
    asset = amp().assets.editing.edit(asset_id, body.applied_to, precondition(), principal())
    return asset_response(asset, headers=await_if_asked([asset]))


@operation(
    api,
    "patch",
    "/assets/<asset_id>",
    query=(*_WAITING, LONGS),
    headers=(IF_MATCH, UNLESS_MATCH, PRINCIPAL),
    body=JsonBody(AssetPatch, examples.CLIP_PATCH, (MERGE_PATCH, JSON)),
    answers={200: CHANGED},
    refusals=(404, 409, 410, 412, 422, 503),
)
def patch_asset(asset_id: UUID, body: AssetPatch) -> Response:
    """Change some of name, metadata and labels.

    A JSON Merge Patch (RFC 7396): what is left out stays, null removes.
    """
    asset = amp().assets.editing.edit(asset_id, body.applied_to, precondition(), principal())
    return asset_response(asset, headers=await_if_asked([asset]))


@operation(
    api,
    "delete",
    "/assets/<asset_id>",
    query=_WAITING,
    headers=(IF_MATCH, UNLESS_MATCH, PRINCIPAL),
    answers={204: ResponseSpec("It is deleted.", headers=(ETAG, SEARCHABLE))},
    refusals=(404, 409, 412, 503),
)
def delete_asset(asset_id: UUID) -> Response:
    """Delete an asset; it can be restored.

    Deleting a deleted one changes nothing.
    """
    asset = amp().assets.editing.delete(asset_id, precondition(), principal())
    return empty_response(204, {"ETag": etag(asset.revision), **await_if_asked([asset])})


@operation(
    api,
    "post",
    "/assets/<asset_id>/restore",
    query=(*_WAITING, LONGS),
    headers=(IF_MATCH, UNLESS_MATCH, PRINCIPAL),
    answers={200: CHANGED},
    refusals=(404, 409, 412, 503),
)
def restore_asset(asset_id: UUID) -> Response:
    """Bring a deleted asset back.

    Restoring a live one changes nothing.
    """
    asset = amp().assets.editing.restore(asset_id, precondition(), principal())
    return asset_response(asset, headers=await_if_asked([asset]))


@operation(
    api,
    "put",
    "/assets/by-external-id/<project>/<rest:external_id>",
    query=(*_WAITING, LONGS),
    headers=(IF_MATCH, UNLESS_MATCH, PRINCIPAL),
    body=JsonBody(AssetReplacement, examples.CLIP),
    answers={200: CHANGED, 201: CREATED},
    refusals=(409, 410, 412, 422, 503),
)
def put_asset_by_external_id(project: str, external_id: str, body: AssetReplacement) -> Response:
    """Create the asset with that external id, or replace it.

    Where there is none yet, the body must name its type.
    """
    asset, created = amp().assets.upsert.put(
        project,
        external_id,
        draft=lambda: body.draft(project, external_id),
        edit=body.applied_to,
        precondition=precondition(),
        principal=principal(),
    )
    return asset_response(asset, 201 if created else 200, await_if_asked([asset]))
