"""The size of bulk requests, adapted to how fast the server answers them."""

#: Maximum size of a request, in bytes. Larger requests gain nothing. Servers refuse them from 100 MiB on by default,
#: and proxies in between may refuse smaller ones.
MAX_REQUEST_BYTES = 8 * 1024 * 1024
_MIN_REQUEST_BYTES = 32 * 1024
#: Shares of the timeout: an answer after more than the first is slow, one after less than the second is fast.
_SLOW, _FAST = 0.5, 0.1


class RequestSize:
    """Halves the size of requests that are refused as too large or get no answer or a slow one. Fast answers double it
    again, all others increase it a little.

    A server continues a request whose client has stopped waiting. If the client repeated it as it was, a busy server
    would do the same work again and again, and never answer in time.
    """

    def __init__(self, timeout_s: float) -> None:
        """:param timeout_s: maximum duration of a request."""
        self._slow_s, self._fast_s = timeout_s * _SLOW, timeout_s * _FAST
        # Threads may adapt it at the same time. If one adaptation is lost, the next request makes it.
        self.max_bytes = MAX_REQUEST_BYTES

    def answered(self, size: int, took_s: float) -> None:
        """Adapt to an answer to a request of `size` bytes."""
        if took_s > self._slow_s:
            self.unwanted(size)
        elif 2 * size > self.max_bytes:
            growth = self.max_bytes if took_s < self._fast_s else self.max_bytes // 8
            self.max_bytes = min(self.max_bytes + growth, MAX_REQUEST_BYTES)

    def unwanted(self, size: int) -> None:
        """Adapt to a request of `size` bytes that was refused as too large, or not answered in time."""
        if size > _MIN_REQUEST_BYTES:  # a small request does not fail because of its size
            self.max_bytes = max(_MIN_REQUEST_BYTES, min(self.max_bytes, size) // 2)
