"""How many hits one request to Elasticsearch asks for, so that their sources fit into an answer of bounded size."""

#: Largest answer that is read, as long as more than one hit is asked for.
MAX_ANSWER_BYTES = 8 * 1024 * 1024
_ALL = 1_000


class HitsAtOnce:
    """All that are wanted, unless hits of late were large: then as many of these as make half the largest answer.

    Elasticsearch cannot say how large sources are before it sends them. Pages of ordinary assets take one request.
    """

    def __init__(self) -> None:
        self._count = _ALL

    def of(self, wanted: int) -> int:
        return min(wanted, self._count)

    def answered(self, hits: int, size: int) -> None:
        """`hits` of `size` bytes together came in one answer."""
        if hits:
            self._count = max(1, min(_ALL, MAX_ANSWER_BYTES // 2 * hits // max(1, size)))

    def too_many(self, asked: int) -> None:
        """The answer was too large."""
        self._count = max(1, asked // 4)
