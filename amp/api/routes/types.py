"""Routes that register, list and read asset types."""

from bisect import bisect_right

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from amp.api import examples
from amp.api.current import amp, principal
from amp.api.json_body import JsonBody
from amp.api.models.types import MAX_VALUES, TypeCreate, TypeList, TypeOut, TypeReplacement
from amp.api.operations import Operation, ResponseSpec
from amp.api.pages import next_cursor, read_position
from amp.api.parameters import CURSOR, LIMIT
from amp.api.responses import json_response
from amp.api.routes.terms import LOCATION, PRINCIPAL
from amp.domain.types import type_json

api = APIBlueprint("types", __name__, url_prefix="/v1", abp_tags=[Tag(name="types")])


@Operation(
    api,
    "post",
    "/types",
    headers=(PRINCIPAL,),
    body=JsonBody(TypeCreate, examples.CLIP_TYPE, max_values=MAX_VALUES),
    responses={201: ResponseSpec("The new type.", TypeOut, (LOCATION,))},
    errors=(409, 422, 503),
)
def create_type(body: TypeCreate) -> Response:
    """Register an asset type."""
    fields = body.declared_fields(amp().limits)
    created = amp().types.registration.create(body.checked_name(), body.description, fields, principal())
    return json_response(type_json(created), 201, {"Location": f"{request.script_root}/v1/types/{created.name}"})


@Operation(
    api,
    "put",
    "/types/<type_name>",
    headers=(PRINCIPAL,),
    body=JsonBody(TypeReplacement, examples.WIDER_CLIP_TYPE, max_values=MAX_VALUES),
    responses={200: ResponseSpec("The newest version of the type.", TypeOut)},
    errors=(404, 409, 422, 503),
)
def replace_type(type_name: str, body: TypeReplacement) -> Response:
    """Create the next version of an asset type.

    These changes are compatible: a new optional field, a required field that becomes optional, a wider enum or wider
    bounds, and other descriptions. Other changes are rejected with 409 and the list of those that are not compatible. A
    request that changes nothing creates no version.
    """
    body.check_name(type_name)
    fields = body.declared_fields(amp().limits)
    newest, _ = amp().types.registration.next_version(type_name, body.description, fields, principal())
    return json_response(type_json(newest))


@Operation(
    api,
    "get",
    "/types",
    query=(LIMIT, CURSOR),
    headers=(PRINCIPAL,),
    responses={200: ResponseSpec("A page of types.", TypeList)},
    errors=(503,),
)
def list_types() -> Response:
    """List asset types, sorted by name, with the newest version of each."""
    types = amp().types.registration.newest(principal())
    names = [asset_type.name for asset_type in types]
    after = read_position(str, ["types"])
    start = 0 if after is None else bisect_right(names, after)
    page = types[start : start + LIMIT.read()]
    last = page[-1].name if page and start + len(page) < len(types) else None
    items = [type_json(asset_type) for asset_type in page]
    return json_response({"items": items, "next_cursor": next_cursor(last, ["types"])})


@Operation(
    api,
    "get",
    "/types/<type_name>",
    headers=(PRINCIPAL,),
    responses={200: ResponseSpec("The newest version of the type.", TypeOut)},
    errors=(404, 503),
)
def get_type(type_name: str) -> Response:
    """Read the newest version of an asset type."""
    return json_response(type_json(amp().types.registration.get(type_name, None, principal())))


@Operation(
    api,
    "get",
    "/types/<type_name>/versions/<version>",
    headers=(PRINCIPAL,),
    responses={200: ResponseSpec("That version of the type.", TypeOut)},
    errors=(404, 503),
)
def get_type_version(type_name: str, version: int) -> Response:
    """Read one version of an asset type."""
    return json_response(type_json(amp().types.registration.get(type_name, version, principal())))
