"""Makes responses out of plain values, and waits on the caller's behalf before they go."""

from collections.abc import Sequence
from typing import Any

import orjson
from flask import Response

from amp.api.current import amp, principal
from amp.api.parameters import TIMEOUT, WAIT_FOR
from amp.domain.assets import Asset

SEARCHABLE_HEADER = "AMP-Searchable"


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`value` may hold `orjson.Fragment`s."""
    return Response(orjson.dumps(value), status, headers, content_type="application/json")


def empty_response(status: int, headers: dict[str, str]) -> Response:
    response = Response(status=status, headers=headers)
    del response.headers["Content-Type"]
    return response


def await_if_asked(assets: Sequence[Asset]) -> dict[str, str]:
    """Waits for the assets to be searchable if the caller asked so; the headers that tell how it went."""
    timeout_s = TIMEOUT.read()
    if WAIT_FOR.read() is None or amp().search.visibility.wait(assets, principal().name, timeout_s):
        return {}
    return {SEARCHABLE_HEADER: "pending"}
