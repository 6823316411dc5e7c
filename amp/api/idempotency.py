"""`Idempotency-Key`: a repeat of a creation gets the first answer again."""

import hashlib
import re
from typing import Any

import orjson
from flask import request

from amp.api.current import principal
from amp.api.errors import BadRequest
from amp.domain.claims import IdempotencyKey

_KEY = re.compile(r"[\x20-\x7e]{1,255}")


def key_given() -> str | None:
    """:raises BadRequest: the header is not a key."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise BadRequest("header Idempotency-Key takes 1 to 255 printable ASCII characters")
    return key


def idempotency_key(key: str, body: Any) -> IdempotencyKey:
    """`key` in the scope of this caller and route, for a `body` that is told apart by what it says, not how."""
    whose = orjson.dumps([principal().name, request.method, str(request.url_rule)]).decode()
    scope = f"idempotency-key:{whose}"
    return IdempotencyKey(scope, key, hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest())
