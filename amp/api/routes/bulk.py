"""Many assets in one request: created, each with a fate of its own, or read by their ids."""

from collections.abc import Sequence
from typing import Any

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from amp.api import strict_json
from amp.api.current import amp, principal
from amp.api.errors import problem_of
from amp.api.idempotency import key_given, repeat_key
from amp.api.json_body import JSON, NDJSON, JsonBody, checked_object, conform, media_type, unpacked_body
from amp.api.models.assets import AssetCreate, AssetIds, AssetsFound, BulkResult
from amp.api.operations import Answer, operation
from amp.api.parameters import DELETED, FIELDS, LONGS, TIMEOUT, WAIT_FOR
from amp.api.presenters import is_shown, shape_asked
from amp.api.responses import await_if_asked, json_response
from amp.api.routes.terms import IDEMPOTENCY_KEY, PRINCIPAL, SEARCHABLE
from amp.domain.assets import Asset, asset_json
from amp.errors import AmpError, Invalid, TooLarge
from amp.services.creation_plans import Order

api = APIBlueprint("bulk", __name__, url_prefix="/v1", abp_tags=[Tag(name="assets")])


class _BulkBody:
    """A JSON array of assets, or one asset a line; what cannot be read of one item is that item's fault alone."""

    models: tuple[type[BaseModel], ...] = (AssetCreate,)

    def read(self) -> list[Any]:
        """:raises Invalid: the body as a whole cannot be taken."""
        settings = amp().settings
        kind = media_type((JSON, NDJSON))
        parse = strict_json.parse_items if kind == JSON else strict_json.parse_lines
        items = parse(unpacked_body(settings.max_bulk_bytes), settings.max_bulk_items)
        if len(items) > settings.max_bulk_items:
            raise TooLarge(f"the body has more than the {settings.max_bulk_items} items that are allowed")
        return items

    def document(self) -> dict[str, Any]:
        item = {"$ref": f"#/components/schemas/{AssetCreate.__name__}"}
        return {
            "required": True,
            "description": "A JSON array, or one JSON object a line (NDJSON). At most 10,000 items and 16 MiB.",
            "content": {
                JSON: {"schema": {"type": "array", "items": item, "maxItems": 10_000}},
                NDJSON: {"schema": {"type": "string"}},
            },
        }


@operation(
    api,
    "post",
    "/assets/bulk",
    query=(WAIT_FOR, TIMEOUT),
    headers=(IDEMPOTENCY_KEY, PRINCIPAL),
    body=_BulkBody(),
    answers={200: Answer("What became of each item.", BulkResult, (SEARCHABLE,))},
    refusals=(503,),
)
def create_assets(body: list[Any]) -> Response:
    """Create many assets.

    The answer has one entry for each item, in order; a bad item hurts only itself. With an `Idempotency-Key`, item i
    (from 0) has the key `<key>#<i>`.
    """
    key = key_given()
    read = [_order(item, None if key is None else f"{key}#{i}") for i, item in enumerate(body)]
    orders = [order for order in read if isinstance(order, Order)]
    created = iter(amp().create_assets.create_many(orders, principal()))
    results = [next(created) if isinstance(order, Order) else order for order in read]
    headers = await_if_asked([result for result in results if isinstance(result, Asset)])
    return json_response({"items": _items(results)}, headers=headers)


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


def _order(item: Any, key: str | None) -> Order | Invalid:
    """The order, or what is wrong with it."""
    try:
        if isinstance(item, Invalid):
            return item
        body = conform(AssetCreate, checked_object(item))
        return Order(body.draft(), None if key is None else repeat_key(key, body.model_dump()))
    except Invalid as e:
        return e


def _items(results: Sequence[Asset | AmpError]) -> list[dict[str, Any]]:
    return [_failed(result) if isinstance(result, AmpError) else _made(result) for result in results]


def _made(asset: Asset) -> dict[str, Any]:
    return {"status": 201, "id": str(asset.id), "revision": asset.revision, "problem": None}


def _failed(error: AmpError) -> dict[str, Any]:
    problem = problem_of(error)
    return {"status": problem["status"], "id": None, "revision": None, "problem": problem}
