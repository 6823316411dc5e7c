"""What several routes share in their declarations: headers, and answers with one asset."""

from typing import Any

from amp.api.documented_settings import in_text
from amp.api.models.assets import AssetOut
from amp.api.operations import HeaderSpec, ResponseSpec

_TEXT: dict[str, Any] = {"type": "string"}
_TAG = r'(W/)?"[\x21\x23-\x7e]*"'
_TAGS: dict[str, Any] = {"type": "string", "pattern": rf"^(\*|{_TAG}(, *{_TAG})*)$"}

IF_MATCH = HeaderSpec(
    name="If-Match",
    description="Entity tags of which the asset must have one, or `*`; otherwise 412.",
    schema=_TAGS,
)
IF_NONE_MATCH = HeaderSpec(
    name="If-None-Match", description="Entity tags the caller has; 304 if the asset has one.", schema=_TAGS
)
UNLESS_MATCH = HeaderSpec(
    name="If-None-Match",
    description="412 if the asset has one of these entity tags; with `*`, if there is such an asset.",
    schema=_TAGS,
)
IDEMPOTENCY_KEY = HeaderSpec(
    name="Idempotency-Key",
    description="1 to 255 printable ASCII characters. A repeat with the same key and body within "
    f"{in_text('idempotency_ttl_s')} gets the first answer again, or the asset as it is now if its first version is no "
    "longer kept; with another body 422.",
    schema={"type": "string", "pattern": "^[\\x20-\\x7e]{1,255}$"},
)
PRINCIPAL = HeaderSpec(
    name="AMP-Principal",
    description="Who is calling; `anonymous` unless given.",
    schema={"type": "string", "minLength": 1, "maxLength": 256},
)
ETAG = HeaderSpec(name="ETag", description="The asset's revision in quotes.", schema=_TEXT)
LOCATION = HeaderSpec(name="Location", description="Where it is found.", schema=_TEXT)
SEARCHABLE = HeaderSpec(
    name="AMP-Searchable",
    description="`pending`: searches do not see the change yet, and the time to wait is over.",
    schema={"enum": ["pending"]},
)
RETRY_AFTER = HeaderSpec(
    name="Retry-After",
    description="Seconds to wait before the items with status 503 are sent again.",
    schema={"type": "integer"},
)

ASSET = ResponseSpec("The asset.", AssetOut, (ETAG,))
CHANGED = ResponseSpec("The asset as it is now.", AssetOut, (ETAG, SEARCHABLE))
CREATED = ResponseSpec("The new asset.", AssetOut, (ETAG, LOCATION, SEARCHABLE))
