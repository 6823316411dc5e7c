"""Many assets in one request: created, each with a fate of its own, or read by their ids."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from amp.api import examples
from amp.api.bulk_outcomes import BulkOutcomes
from amp.api.current import amp, principal
from amp.api.documented_settings import in_text, of_schema
from amp.api.idempotency import idempotency_key, key_given
from amp.api.json_body import JSON, NDJSON, JsonBody, checked_object, conform, media_type, single_bytes, unpacked_body
from amp.api.models.assets import AssetCreate, AssetIds, AssetsFound, BulkResult
from amp.api.operations import ResponseSpec, operation
from amp.api.parameters import DELETED, FIELDS, LONGS, TIMEOUT, WAIT_FOR
from amp.api.presenters import is_shown, shape_asked
from amp.api.responses import await_if_asked, json_response
from amp.api.routes.terms import IDEMPOTENCY_KEY, PRINCIPAL, RETRY_AFTER, SEARCHABLE
from amp.api.strict_json import ArrayItems, LineItems
from amp.domain.assets import Asset, asset_json
from amp.errors import AmpError, Invalid, Retryable, StoreUnavailable
from amp.services.assets.creation import CreateRequest
from amp.services.outbox.commit import BATCH

BulkItems = ArrayItems | LineItems

api = APIBlueprint("bulk", __name__, url_prefix="/v1", abp_tags=[Tag(name="assets")])


@dataclass(frozen=True)
class _BulkBody:
    """A JSON array of assets, or one asset a line; what cannot be read of one item is that item's fault alone."""

    models: tuple[type[BaseModel], ...] = (AssetCreate,)

    def read(self) -> BulkItems:
        """:raises Invalid: the body as a whole cannot be taken."""
        settings = amp().settings
        items = ArrayItems if media_type((JSON, NDJSON)) == JSON else LineItems
        body = unpacked_body(settings.max_bulk_bytes)
        return items(body, settings.max_bulk_items, single_bytes(settings), amp().limits.body_values)

    def document(self) -> dict[str, Any]:
        item = {"$ref": f"#/components/schemas/{AssetCreate.__name__}"}
        return {
            "required": True,
            "description": "A JSON array, or one JSON object a line (NDJSON). At most "
            f"{in_text('max_bulk_items')} items and {in_text('max_bulk_bytes')}, unpacked.",
            "content": {
                JSON: {
                    "schema": {"type": "array", "items": item},
                    "example": examples.CLIPS,
                    **of_schema(maxItems="max_bulk_items"),
                },
                NDJSON: {"schema": {"type": "string"}, "example": "\n".join(map(json.dumps, examples.CLIPS))},
            },
        }


@operation(
    api,
    "post",
    "/assets/bulk",
    query=(WAIT_FOR, TIMEOUT),
    headers=(IDEMPOTENCY_KEY, PRINCIPAL),
    body=_BulkBody(),
    answers={200: ResponseSpec("What became of each item.", BulkResult, (SEARCHABLE, RETRY_AFTER))},
    refusals=(503,),
)
def create_assets(body: BulkItems) -> Response:
    """Create many assets.

    The answer has one entry for each item, in order; a bad item hurts only itself. With an `Idempotency-Key`, item i
    (from 0) has the key `<key>#<i>`. Where very many items are refused, the entries of the later ones name no places.

    If the store stops answering in between, the answer tells how far it came: items that are settled keep their status,
    and each of the others has 503. Of `store-unavailable` ones nothing was written; `outcome-unknown` ones may have
    been. Repeat those items alone, after `Retry-After`; or the whole request, if it had an `Idempotency-Key` or every
    item has an `id` or `external_id`: then no asset is created twice. If no item was settled, the whole answer is 503.
    """
    key = key_given()
    outcomes = BulkOutcomes()
    created: list[Asset] = []
    numbered = enumerate(body)
    failure: StoreUnavailable | None = None
    settles, retry_s = False, 0
    # Some at a time, so that no more of them are in memory at once.
    while some := list(itertools.islice(numbered, BATCH)):
        results = _created([_order(item, None if key is None else f"{key}#{i}") for i, item in some], failure)
        failure = failure or next((result for result in results if isinstance(result, StoreUnavailable)), None)
        settles = settles or any(not isinstance(result, StoreUnavailable) for result in results)
        retry_s = max((r.retry_after_s for r in results if isinstance(r, Retryable)), default=retry_s)
        outcomes.add(results)
        if WAIT_FOR.read() is not None:
            created += [replace(r, name="", metadata={}, labels=()) for r in results if isinstance(r, Asset)]
    if failure is not None and not settles:
        raise failure
    headers = await_if_asked(created)
    if retry_s:
        headers = {**headers, "Retry-After": str(retry_s)}
    return json_response({"items": outcomes.entries}, headers=headers)


@operation(
    api,
    "post",
    "/assets/get",
    query=(FIELDS, LONGS, DELETED),
    headers=(PRINCIPAL,),
    body=JsonBody(AssetIds, examples.IDS),
    answers={200: ResponseSpec("Those that were found.", AssetsFound)},
    refusals=(422, 503),
)
def get_assets(body: AssetIds) -> Response:
    """Read many assets by their ids.

    Deleted ones are missing unless `deleted=true`. An answer holds about 4 MiB of content, and less when the store
    stops answering meanwhile: ask again for the ids in `rest`, if there are any.
    """
    shape = shape_asked()
    ids = body.parsed()
    some, rest = amp().assets.reader.get_some(ids, principal())
    found = {asset.id: asset for asset in some if is_shown(asset)}
    missing = [str(asset_id) for asset_id in ids[: len(ids) - len(rest)] if asset_id not in found]
    items = [shape.of(asset_json(asset)) for asset in found.values()]
    return json_response({"items": items, "missing": missing, "rest": [str(asset_id) for asset_id in rest]})


def _created(orders: Sequence[CreateRequest | Invalid], failure: StoreUnavailable | None) -> list[Asset | AmpError]:
    """What each order comes to; those that could not be read stay as they are. After a failure none is tried."""
    if failure is not None:
        return [failure if isinstance(order, CreateRequest) else order for order in orders]
    found = iter(
        amp().assets.creation.create_many([order for order in orders if isinstance(order, CreateRequest)], principal())
    )
    return [next(found) if isinstance(order, CreateRequest) else order for order in orders]


def _order(item: Any, key: str | None) -> CreateRequest | Invalid:
    """The order, or what is wrong with it."""
    try:
        if isinstance(item, Invalid):
            return item
        body = conform(AssetCreate, checked_object(item))
        return CreateRequest(body.draft(), None if key is None else idempotency_key(key, body.model_dump()))
    except Invalid as e:
        return e
