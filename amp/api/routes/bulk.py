"""Routes that create many assets in one request, each with its own outcome, or read many assets by their ids."""

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
from amp.api.documented_settings import setting_keywords, setting_text
from amp.api.idempotency import idempotency_key, read_key
from amp.api.json_body import (
    JSON,
    NDJSON,
    JsonBody,
    max_asset_body_bytes,
    read_body,
    read_media_type,
    require_object,
    validate,
)
from amp.api.models.assets import AssetCreate, AssetIds, AssetsFound, BulkResult
from amp.api.operations import Operation, ResponseSpec
from amp.api.parameters import DELETED, FIELDS, LONGS, TIMEOUT, WAIT_FOR
from amp.api.presenters import is_visible, requested_shape
from amp.api.responses import await_searchable, json_response
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
    """A JSON array of assets, or one asset per line. An item that is not valid does not affect the others."""

    models: tuple[type[BaseModel], ...] = (AssetCreate,)

    def read(self) -> BulkItems:
        """Return the items of the body.

        :raises Invalid: the body as a whole is not valid.
        """
        settings = amp().settings
        items = ArrayItems if read_media_type((JSON, NDJSON)) == JSON else LineItems
        body = read_body(settings.max_bulk_bytes)
        return items(body, settings.max_bulk_items, max_asset_body_bytes(settings), amp().limits.body_values)

    def document(self) -> dict[str, Any]:
        item = {"$ref": f"#/components/schemas/{AssetCreate.__name__}"}
        return {
            "required": True,
            "description": "A JSON array, or one JSON object per line (NDJSON). At most "
            f"{setting_text('max_bulk_items')} items and {setting_text('max_bulk_bytes')}, decompressed.",
            "content": {
                JSON: {
                    "schema": {"type": "array", "items": item},
                    "example": examples.CLIPS,
                    **setting_keywords(maxItems="max_bulk_items"),
                },
                NDJSON: {"schema": {"type": "string"}, "example": "\n".join(map(json.dumps, examples.CLIPS))},
            },
        }


@Operation(
    api,
    "post",
    "/assets/bulk",
    query=(WAIT_FOR, TIMEOUT),
    headers=(IDEMPOTENCY_KEY, PRINCIPAL),
    body=_BulkBody(),
    responses={200: ResponseSpec("The outcome of each item.", BulkResult, (SEARCHABLE, RETRY_AFTER))},
    errors=(503,),
)
def create_assets(body: BulkItems) -> Response:
    """Create many assets.

    The response has one entry per item, in order. An item that is rejected does not affect the others. With an
    `Idempotency-Key`, item i (from 0) has the key `<key>#<i>`. If very many items are rejected, the entries of the
    later ones do not contain the places of faults.

    If the store stops answering meanwhile, items that are settled keep their status, and each of the others has the
    status 503. Nothing was written of items with `store-unavailable`; items with `outcome-unknown` may have been
    created. Send only those items again, after `Retry-After`. The whole request can be repeated without creating
    duplicates if it had an `Idempotency-Key`, or if every item has an `id` or `external_id`. If no item was settled,
    the whole response is 503.
    """
    key = read_key()
    outcomes = BulkOutcomes()
    created: list[Asset] = []
    numbered = enumerate(body)
    failure: StoreUnavailable | None = None
    settles, retry_s = False, 0
    # Items are processed in batches, so that only one batch is in memory at a time.
    while batch := list(itertools.islice(numbered, BATCH)):
        requests = [_create_request(item, None if key is None else f"{key}#{i}") for i, item in batch]
        results = _create(requests, failure)
        failure = failure or next((result for result in results if isinstance(result, StoreUnavailable)), None)
        settles = settles or any(not isinstance(result, StoreUnavailable) for result in results)
        retry_s = max((r.retry_after_s for r in results if isinstance(r, Retryable)), default=retry_s)
        outcomes.add(results)
        if WAIT_FOR.read() is not None:
            created += [replace(r, name="", metadata={}, labels=()) for r in results if isinstance(r, Asset)]
    if failure is not None and not settles:
        raise failure
    headers = await_searchable(created)
    if retry_s:
        headers = {**headers, "Retry-After": str(retry_s)}
    return json_response({"items": outcomes.entries}, headers=headers)


@Operation(
    api,
    "post",
    "/assets/get",
    query=(FIELDS, LONGS, DELETED),
    headers=(PRINCIPAL,),
    body=JsonBody(AssetIds, examples.IDS),
    responses={200: ResponseSpec("The assets that were found.", AssetsFound)},
    errors=(422, 503),
)
def get_assets(body: AssetIds) -> Response:
    """Read many assets by their ids.

    Deleted assets are reported as missing, unless `deleted=true`. A response contains about 4 MiB of content, or less
    if the store stops answering meanwhile. If there are ids in `rest`, request them again.
    """
    shape = requested_shape()
    ids = body.parsed()
    assets, rest = amp().assets.reader.get_some(ids, principal())
    found = {asset.id: asset for asset in assets if is_visible(asset)}
    missing = [str(asset_id) for asset_id in ids[: len(ids) - len(rest)] if asset_id not in found]
    items = [shape.apply(asset_json(asset)) for asset in found.values()]
    return json_response({"items": items, "missing": missing, "rest": [str(asset_id) for asset_id in rest]})


def _create(requests: Sequence[CreateRequest | Invalid], failure: StoreUnavailable | None) -> list[Asset | AmpError]:
    """Return the result of each request, which is the error itself for items that are not valid. After a failure,
    nothing more is created.
    """
    if failure is not None:
        return [failure if isinstance(request, CreateRequest) else request for request in requests]
    valid = [request for request in requests if isinstance(request, CreateRequest)]
    results = iter(amp().assets.creation.create_many(valid, principal()))
    return [next(results) if isinstance(request, CreateRequest) else request for request in requests]


def _create_request(item: Any, key: str | None) -> CreateRequest | Invalid:
    """Return the request for an item, or the error if the item is not valid."""
    try:
        if isinstance(item, Invalid):
            return item
        body = validate(AssetCreate, require_object(item), suggest=False)
        return CreateRequest(body.draft(), None if key is None else idempotency_key(key, body.content()))
    except Invalid as e:
        return e.with_traceback(None)  # it would keep the item
