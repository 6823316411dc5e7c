"""Bounds the memory of unfinished bodies and unread answers: past the limit the oldest makes room."""

from collections.abc import Callable


class Buffers:
    """Bytes held by connections that are sending a body or reading an answer."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        #: Oldest first.
        self._holders: dict[object, tuple[int, Callable[[], None]]] = {}

    def hold(self, holder: object, size_bytes: int, end: Callable[[], None]) -> None:
        """`holder` holds that many bytes now. While all hold too much, the oldest of them is ended, and releases."""
        held_bytes, _ = self._holders.get(holder, (0, None))
        self._holders[holder] = (size_bytes, end)
        self._held_bytes += size_bytes - held_bytes
        while self._held_bytes > self._limit_bytes and len(self._holders) > 1:
            oldest = next(iter(self._holders))
            _, end_oldest = self._holders[oldest]
            self.release(oldest)
            end_oldest()

    def release(self, holder: object) -> None:
        size_bytes, _ = self._holders.pop(holder, (0, None))
        self._held_bytes -= size_bytes
