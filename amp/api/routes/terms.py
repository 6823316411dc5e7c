"""Headers and responses that several routes declare."""

from typing import Any

from amp.api.documented_settings import setting_text
from amp.api.models.assets import AssetOut
from amp.api.operations import HeaderSpec, ResponseSpec

_TEXT: dict[str, Any] = {"type": "string"}
_TAG = r'(W/)?"[\x21\x23-\x7e]*"'
_TAGS: dict[str, Any] = {"type": "string", "pattern": rf"^(\*|{_TAG}(, *{_TAG})*)$"}

IF_MATCH = HeaderSpec(
    name="If-Match",
    description="Entity tags of which the asset must have one, or `*`. Otherwise, the response is 412.",
    schema=_TAGS,
)
IF_NONE_MATCH = HeaderSpec(
    name="If-None-Match",
    description="Entity tags that the client has. If the asset has one of them, the response is 304.",
    schema=_TAGS,
)
UNLESS_MATCH = HeaderSpec(
    name="If-None-Match",
    description="The response is 412 if the asset has one of these entity tags, or, with `*`, if the asset exists.",
    schema=_TAGS,
)
IDEMPOTENCY_KEY = HeaderSpec(
    name="Idempotency-Key",
    description="1 to 255 printable ASCII characters. A repeated request with the same key and body within "
    f"{setting_text('idempotency_ttl_s')} gets the first response again, or the present asset if its first version is "
    "no longer kept. With another body, the response is 422.",
    schema={"type": "string", "pattern": "^[\\x20-\\x7e]{1,255}$"},
)
PRINCIPAL = HeaderSpec(
    name="AMP-Principal",
    description="The principal of the request; `anonymous` unless given.",
    schema={"type": "string", "minLength": 1, "maxLength": 256},
)
ETAG = HeaderSpec(name="ETag", description="The asset's revision in quotes.", schema=_TEXT)
LOCATION = HeaderSpec(name="Location", description="The URL path of the created asset, type or job.", schema=_TEXT)
SEARCHABLE = HeaderSpec(
    name="AMP-Searchable",
    description="`pending`: searches do not see the change yet, and `timeout` has passed.",
    schema={"enum": ["pending"]},
)
RETRY_AFTER = HeaderSpec(
    name="Retry-After",
    description="The time to wait before the items with status 503 are sent again, in seconds.",
    schema={"type": "integer"},
)

ASSET = ResponseSpec("The asset.", AssetOut, (ETAG,))
NOT_MODIFIED = ResponseSpec("The client has the current asset already.", headers=(ETAG,))
CHANGED = ResponseSpec("The present asset.", AssetOut, (ETAG, SEARCHABLE))
CREATED = ResponseSpec("The new asset.", AssetOut, (ETAG, LOCATION, SEARCHABLE))
