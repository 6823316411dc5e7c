"""Routes that read several assets from the store: lists, many by id, and versions."""

from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from amp.api.current import amp
from amp.api.json_body import JsonBody
from amp.api.models.assets import AssetIds, AssetList, AssetsFound
from amp.api.operations import Answer, operation
from amp.api.pages import next_cursor, position
from amp.api.parameters import CURSOR, DELETED, EXTERNAL_ID, FIELDS, LIMIT, LONGS, PROJECT, TYPE
from amp.api.presenters import is_shown, shape_asked, shown
from amp.api.responses import json_response
from amp.api.routes.terms import ASSET, PRINCIPAL
from amp.domain.assets import asset_json, version_json

api = APIBlueprint("asset_lists", __name__, url_prefix="/v1", abp_tags=[Tag(name="assets")])

_DEFAULT_PROJECT = "default"


@operation(
    api,
    "get",
    "/assets",
    query=(TYPE, PROJECT, EXTERNAL_ID, LIMIT, CURSOR, FIELDS, LONGS, DELETED),
    headers=(PRINCIPAL,),
    answers={200: Answer("A page of assets.", AssetList)},
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
        found = amp().read_assets.by_external_id(PROJECT.read() or _DEFAULT_PROJECT, external_id)
        assets = [found] if found and is_shown(found) and TYPE.read() in (None, found.type) else []
        return json_response({"items": [shape.of(asset_json(asset)) for asset in assets], "next_cursor": None})
    bound_to = ["assets", TYPE.read(), PROJECT.read()]
    page, after = amp().read_assets.list(
        type_name=TYPE.read(), project=PROJECT.read(), position=position(str, bound_to), limit=LIMIT.read()
    )
    items = [shape.of(asset_json(asset)) for asset in page]
    return json_response({"items": items, "next_cursor": next_cursor(after, bound_to)})


@operation(
    api,
    "post",
    "/assets/get",
    query=(FIELDS, LONGS, DELETED),
    headers=(PRINCIPAL,),
    body=JsonBody(AssetIds),
    answers={200: Answer("Those that were found.", AssetsFound)},
    refusals=(422, 503),
)
def get_assets(body: AssetIds) -> Response:
    """Read many assets by their ids.

    Deleted ones are missing unless `deleted=true`.
    """
    shape = shape_asked()
    ids = body.parsed()
    found = {asset.id: asset for asset in amp().read_assets.get_many(ids) if asset is not None and is_shown(asset)}
    return json_response(
        {
            "items": [shape.of(asset_json(asset)) for asset in found.values()],
            "missing": [str(asset_id) for asset_id in ids if asset_id not in found],
        }
    )


@operation(
    api,
    "get",
    "/assets/<asset_id>/versions",
    query=(LIMIT, CURSOR, FIELDS, LONGS, DELETED),
    headers=(PRINCIPAL,),
    answers={200: Answer("A page of the asset as it was at each version, newest first.", AssetList)},
    refusals=(404, 410, 503),
)
def list_versions(asset_id: UUID) -> Response:
    """List the versions of an asset, newest first."""
    shape = shape_asked()
    bound_to = ["versions", str(asset_id)]
    asset, versions, more = amp().read_assets.versions(asset_id, position(int, bound_to), LIMIT.read())
    shown(asset)
    items = [shape.of(version_json(asset, version)) for version in versions]
    return json_response({"items": items, "next_cursor": next_cursor(versions[-1].version if more else None, bound_to)})


@operation(
    api,
    "get",
    "/assets/<asset_id>/versions/<version>",
    query=(DELETED, LONGS),
    headers=(PRINCIPAL,),
    answers={200: Answer("The asset as it was.", ASSET.model)},
    refusals=(404, 410, 503),
)
def get_version(asset_id: UUID, version: int) -> Response:
    """Read one version of an asset."""
    asset, found = amp().read_assets.version(asset_id, version)
    return json_response(shape_asked().of(version_json(shown(asset), found)))
