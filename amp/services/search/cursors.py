"""Cursors: opaque and signed, valid only for the query and the principal for which they were created."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from itsdangerous import BadData, URLSafeSerializer

from amp.domain.principals import Principal
from amp.errors import BadCursor

_NOT_VALID = "the cursor is not valid for this query and principal"


@dataclass(frozen=True, kw_only=True)
class Cursors:
    """Creates and verifies cursors. `secret` returns the same bytes in all processes of an installation. It is called
    on first use.
    """

    secret: Callable[[], bytes]

    def seal(self, position: Any, bound_to: Any, principal: Principal) -> str:
        """Return `position` (JSON) as text that `unseal` accepts only for the same `bound_to` (JSON) and principal."""
        return str(self._serializer(bound_to, principal).dumps(position))

    def unseal(self, cursor: str, bound_to: Any, principal: Principal) -> Any:
        """Return the position of a cursor.

        :raises BadCursor: it was not created by `seal`, or for another query or principal.
        """
        serializer = self._serializer(bound_to, principal)
        try:
            position = serializer.loads(cursor)
        except (BadData, ValueError, RecursionError) as e:
            raise BadCursor(_NOT_VALID) from e
        # Base64 has several spellings of the same bytes. Only the original one is valid.
        if serializer.dumps(position) != cursor:
            raise BadCursor(_NOT_VALID)
        return position

    def _serializer(self, bound_to: Any, principal: Principal) -> URLSafeSerializer:
        bound = hashlib.sha256(orjson.dumps([principal.name, bound_to])).hexdigest()
        return URLSafeSerializer(self.secret(), salt=bound, signer_kwargs={"digest_method": hashlib.sha256})
