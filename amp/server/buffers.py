"""Limits the memory of bodies and unread responses. Beyond the limit, transfers of the largest client are ended."""

from collections import Counter
from typing import Protocol

from amp.errors import Overloaded


class Holder(Protocol):
    """A connection that holds memory."""

    @property
    def client(self) -> str:
        """The address of the client."""

    def end(self) -> None:
        """Close the connection at once."""


class Buffers:
    """The bytes that connections hold: arriving bodies, complete requests without a response, and unread responses."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        #: Sizes of transfers, which are bodies that arrive and responses that clients read, oldest first.
        self._transfers: dict[Holder, int] = {}
        #: Total size of the transfers of each client.
        self._client_bytes: Counter[str] = Counter()
        #: Sizes of the bodies of complete requests. These are processed now or soon, so none of them is ended.
        self._requests: dict[Holder, int] = {}
        self._request_bytes = 0

    def hold(self, holder: Holder, size_bytes: int) -> None:
        """Record that the transfer of `holder` has this size now. While the total exceeds the limit, end the oldest
        transfer of the client whose transfers are the largest, and release it.
        """
        added_bytes = size_bytes - self._transfers.get(holder, 0)
        self._transfers[holder] = size_bytes
        self._client_bytes[holder.client] += added_bytes
        self._held_bytes += added_bytes
        self._make_room()

    def keep(self, holder: Holder, size_bytes: int) -> None:
        """Record that the body of `holder` is complete. It counts until `release`.

        :raises Overloaded: complete requests would hold more than half of the limit. The other half is reserved for
            transfers, so that clients can still read responses. `holder` then holds nothing.
        """
        self.release(holder)
        if self._requests and self._request_bytes + size_bytes > self._limit_bytes // 2:
            raise Overloaded("the requests in progress use all memory for request bodies; try again later")
        self._requests[holder] = size_bytes
        self._request_bytes += size_bytes
        self._held_bytes += size_bytes
        self._make_room()

    def release(self, holder: Holder) -> None:
        """Record that `holder` no longer holds anything."""
        transferred_bytes = self._transfers.pop(holder, None)
        if transferred_bytes is not None:
            self._client_bytes[holder.client] -= transferred_bytes
            if not self._client_bytes[holder.client]:
                del self._client_bytes[holder.client]
        request_bytes = self._requests.pop(holder, 0)
        self._request_bytes -= request_bytes
        self._held_bytes -= (transferred_bytes or 0) + request_bytes

    def _make_room(self) -> None:
        # A single transfer may always continue: its size is limited by that of a body or a response.
        while self._held_bytes > self._limit_bytes and len(self._transfers) > 1:
            largest = max(self._client_bytes, key=lambda client: self._client_bytes[client])
            oldest = next(holder for holder in self._transfers if holder.client == largest)
            self.release(oldest)
            oldest.end()
