"""Limits the number of hits that one request to Elasticsearch asks for, so that the size of an answer stays bounded."""

#: Maximum size of an answer, in bytes, unless only one hit was requested.
MAX_ANSWER_BYTES = 8 * 1024 * 1024
_MAX_HITS = 1_000


class HitLimit:
    """The number of hits to request at once. It adapts to the size of recent hits: a full answer should take half of
    `MAX_ANSWER_BYTES`.

    Elasticsearch cannot report the size of sources before it sends them. Pages of ordinary assets take one request.
    """

    def __init__(self) -> None:
        self._count = _MAX_HITS

    def of(self, wanted: int) -> int:
        """Return the number of hits to request if `wanted` are needed."""
        return min(wanted, self._count)

    def record(self, hits: int, size: int) -> None:
        """Record that one answer had `hits` hits of `size` bytes in total."""
        if hits:
            self._count = max(1, min(_MAX_HITS, MAX_ANSWER_BYTES // 2 * hits // max(1, size)))

    def record_too_large(self, requested: int) -> None:
        """Record that the answer to a request for `requested` hits was too large."""
        self._count = max(1, requested // 4)
