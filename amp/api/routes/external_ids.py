"""Routes that read, create and replace the asset with an external id."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from amp.api import examples
from amp.api.current import amp, principal
from amp.api.json_body import JsonBody
from amp.api.models.assets import AssetReplacement
from amp.api.operations import Operation
from amp.api.parameters import DELETED, LONGS, TIMEOUT, WAIT_FOR
from amp.api.preconditions import precondition
from amp.api.presenters import asset_or_not_modified, asset_response, require_visible
from amp.api.responses import await_searchable
from amp.api.routes.terms import (
    ASSET,
    CHANGED,
    CREATED,
    IF_MATCH,
    IF_NONE_MATCH,
    NOT_MODIFIED,
    PRINCIPAL,
    UNLESS_MATCH,
)
from amp.errors import AssetNotFound

api = APIBlueprint("external_ids", __name__, url_prefix="/v1", abp_tags=[Tag(name="assets")])

_PATH = "/assets/by-external-id/<project>/<rest:external_id>"


@Operation(
    api,
    "get",
    _PATH,
    query=(DELETED, LONGS),
    headers=(IF_NONE_MATCH, PRINCIPAL),
    responses={200: ASSET, 304: NOT_MODIFIED},
    errors=(404, 410, 503),
)
def get_asset_by_external_id(project: str, external_id: str) -> Response:
    """Read the asset with an external id.

    The response for a deleted asset is 410, or the asset with `deleted=true`.
    """
    found = amp().assets.reader.by_external_id(project, external_id, principal())
    if found is None:
        raise AssetNotFound(f"project {project!r} has no asset with the external id {external_id!r}")
    return asset_or_not_modified(require_visible(found))


@Operation(
    api,
    "put",
    _PATH,
    query=(WAIT_FOR, TIMEOUT, LONGS),
    headers=(IF_MATCH, UNLESS_MATCH, PRINCIPAL),
    body=JsonBody(AssetReplacement, examples.CLIP),
    responses={200: CHANGED, 201: CREATED},
    errors=(409, 410, 412, 422, 503),
)
def put_asset_by_external_id(project: str, external_id: str, body: AssetReplacement) -> Response:
    """Create or replace the asset with an external id.

    If the asset does not exist yet, the body must contain its type.
    """
    asset, created = amp().assets.upsert.put(
        project,
        external_id,
        draft=lambda: body.draft(project, external_id),
        edit=body.applied_to,
        precondition=precondition(),
        principal=principal(),
    )
    return asset_response(asset, 201 if created else 200, await_searchable([asset]))
