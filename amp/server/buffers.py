"""Bounds the memory of bodies and of unread answers: past the limit the oldest transfer makes room."""

from collections.abc import Callable

from amp.errors import Overloaded


class Buffers:
    """Bytes held by connections: bodies that arrive, whole requests that are not answered yet, and unread answers."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        #: Bodies that arrive and answers that are read, oldest first.
        self._transfers: dict[object, tuple[int, Callable[[], None]]] = {}
        #: Bodies of whole requests. These are worked on, or soon will be, so none of them is ended.
        self._requests: dict[object, int] = {}
        self._request_bytes = 0

    def hold(self, holder: object, size_bytes: int, end: Callable[[], None]) -> None:
        """`holder` transfers that many bytes now. While all hold too much, the oldest transfer is ended, and releases.

        :param end: ends the transfer of `holder` at once.
        """
        held_bytes, _ = self._transfers.get(holder, (0, None))
        self._transfers[holder] = (size_bytes, end)
        self._held_bytes += size_bytes - held_bytes
        self._make_room()

    def keep(self, holder: object, size_bytes: int) -> None:
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

    def release(self, holder: object) -> None:
        """`holder` holds nothing any more."""
        transferred_bytes, _ = self._transfers.pop(holder, (0, None))
        request_bytes = self._requests.pop(holder, 0)
        self._request_bytes -= request_bytes
        self._held_bytes -= transferred_bytes + request_bytes

    def _make_room(self) -> None:
        # A single transfer may always go on: it is bounded by the size of a body or an answer.
        while self._held_bytes > self._limit_bytes and len(self._transfers) > 1:
            oldest, (_, end_oldest) = next(iter(self._transfers.items()))
            self.release(oldest)
            end_oldest()
