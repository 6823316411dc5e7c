"""Reads the `Idempotency-Key` header, with which a repeated creation returns the first result again."""

import hashlib
import re
from typing import Any

import orjson
from flask import request

from amp.api.current import principal
from amp.api.errors import BadRequest
from amp.domain.claims import IdempotencyKey

_KEY = re.compile(r"[\x20-\x7e]{1,255}")


def read_key() -> str | None:
    """Return the key of the request; None: it has none.

    :raises BadRequest: the header is not a valid key.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise BadRequest("header Idempotency-Key must be 1 to 255 printable ASCII characters")
    return key


def idempotency_key(key: str, body: Any) -> IdempotencyKey:
    """Return `key` in the scope of the principal and route of the current request. Bodies with equal JSON values have
    the same hash, whatever their formatting and the order of their members.
    """
    owner = orjson.dumps([principal().name, request.method, str(request.url_rule)]).decode()
    scope = f"idempotency-key:{owner}"
    return IdempotencyKey(scope, key, hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest())
