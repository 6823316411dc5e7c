"""Cursors: opaque and signed, good only for the query and the caller they were made for."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from itsdangerous import BadData, URLSafeSerializer

from amp.domain.principals import Principal
from amp.errors import BadCursor

_NOT_MADE = "the cursor was not made for this query and caller"


@dataclass(frozen=True, kw_only=True)
class Cursors:
    """`secret` gives the same bytes in all processes of an installation; asked at first use."""

    secret: Callable[[], bytes]

    def seal(self, position: Any, bound_to: Any, principal: Principal) -> str:
        """`position` (JSON) as text that `unseal` gives back for the same `bound_to` (JSON) and caller only."""
        return str(self._serializer(bound_to, principal).dumps(position))

    def unseal(self, cursor: str, bound_to: Any, principal: Principal) -> Any:
        """:raises BadCursor: it was not made by `seal`, or for another query or caller."""
        serializer = self._serializer(bound_to, principal)
        try:
            position = serializer.loads(cursor)
        except (BadData, ValueError, RecursionError) as e:
            raise BadCursor(_NOT_MADE) from e
        # Base64 has several spellings of the same bytes: only the one that was given out is good.
        if serializer.dumps(position) != cursor:
            raise BadCursor(_NOT_MADE)
        return position

    def _serializer(self, bound_to: Any, principal: Principal) -> URLSafeSerializer:
        bound = hashlib.sha256(orjson.dumps([principal.name, bound_to], default=str)).hexdigest()
        return URLSafeSerializer(self.secret(), salt=bound, signer_kwargs={"digest_method": hashlib.sha256})
