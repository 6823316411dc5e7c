"""Bounds the memory of bodies and of unread answers: past the limit, transfers of the largest client make room."""

from collections import Counter
from typing import Protocol

from amp.errors import Overloaded


class Holder(Protocol):
    """A connection that holds memory."""

    @property
    def client(self) -> str:
        """The address at its other end."""

    def end(self) -> None:
        """Close at once."""


class Buffers:
    """Bytes held by connections: bodies that arrive, whole requests that are not answered yet, and unread answers."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        #: Sizes of bodies that arrive and of answers that are read, oldest first.
        self._transfers: dict[Holder, int] = {}
        #: The same by client.
        self._client_bytes: Counter[str] = Counter()
        #: Bodies of whole requests. These are worked on, or soon will be, so none of them is ended.
        self._requests: dict[Holder, int] = {}
        self._request_bytes = 0

    def hold(self, holder: Holder, size_bytes: int) -> None:
        """`holder` transfers that many bytes now. While all hold too much, the oldest transfer of the client whose
        transfers hold most is ended, and releases."""
        added_bytes = size_bytes - self._transfers.get(holder, 0)
        self._transfers[holder] = size_bytes
        self._client_bytes[holder.client] += added_bytes
        self._held_bytes += added_bytes
        self._make_room()

    def keep(self, holder: Holder, size_bytes: int) -> None:
        """The body of `holder` is complete, and is held until `release`.

        :raises Overloaded: whole requests would hold more than half of the limit. The other half is left to transfers,
            so that answers can still be read. `holder` holds nothing then.
        """
        self.release(holder)
        if self._requests and self._request_bytes + size_bytes > self._limit_bytes // 2:
            raise Overloaded("the requests that are not answered yet take up all memory for bodies; try again later")
        self._requests[holder] = size_bytes
        self._request_bytes += size_bytes
        self._held_bytes += size_bytes
        self._make_room()

    def release(self, holder: Holder) -> None:
        """`holder` holds nothing any more."""
        transferred_bytes = self._transfers.pop(holder, None)
        if transferred_bytes is not None:
            self._client_bytes[holder.client] -= transferred_bytes
            if not self._client_bytes[holder.client]:
                del self._client_bytes[holder.client]
        request_bytes = self._requests.pop(holder, 0)
        self._request_bytes -= request_bytes
        self._held_bytes -= (transferred_bytes or 0) + request_bytes

    def _make_room(self) -> None:
        # A single transfer may always go on: it is bounded by the size of a body or an answer.
        while self._held_bytes > self._limit_bytes and len(self._transfers) > 1:
            largest = max(self._client_bytes, key=lambda client: self._client_bytes[client])
            oldest = next(holder for holder in self._transfers if holder.client == largest)
            self.release(oldest)
            oldest.end()
