"""Creates responses, and waits for changes to become searchable if the request says so."""

from collections.abc import Sequence
from typing import Any

import orjson
from flask import Response

from amp.api.current import amp, principal
from amp.api.parameters import TIMEOUT, WAIT_FOR
from amp.domain.assets import Asset

SEARCHABLE_HEADER = "AMP-Searchable"


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a response with `value`, which may contain `orjson.Fragment`s, as JSON."""
    return Response(orjson.dumps(value), status, headers, content_type="application/json")


def empty_response(status: int, headers: dict[str, str]) -> Response:
    response = Response(status=status, headers=headers)
    del response.headers["Content-Type"]
    return response


def await_searchable(assets: Sequence[Asset]) -> dict[str, str]:
    """If the request has `wait_for`, wait until the assets are searchable, at most for its `timeout`. Return the
    headers that say whether they are.
    """
    timeout_s = TIMEOUT.read()
    if WAIT_FOR.read() is None or amp().search.visibility.wait(assets, principal().name, timeout_s):
        return {}
    return {SEARCHABLE_HEADER: "pending"}
