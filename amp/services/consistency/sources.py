"""Tells in which indices documents of a time are, or are by mistake."""

from collections.abc import Iterator

from amp.domain.buckets import Bucket, BucketMap
from amp.domain.selectors import Selector
from amp.errors import NotFound
from amp.ports.bucket_documents import BucketDocuments, TimeRange
from amp.services.buckets.bucket_map import BucketMaps


class DocumentSources:
    """One for each check: what is looked for once is remembered."""

    def __init__(self, documents: BucketDocuments, maps: BucketMaps) -> None:
        self._documents = documents
        self._maps = maps
        self._strays: frozenset[str] | None = None

    def of(self, selector: Selector, begin_ms: int, end_ms: int | None) -> Iterator[tuple[str, TimeRange]]:
        """Each index with the part of the time it may hold documents of, in order of time but for the strays.

        :raises Retryable: a part does not answer.
        """
        bucket_map = self._maps.refresh()
        strays = self._known_strays(bucket_map)
        for number, bucket in enumerate(bucket_map.buckets):
            low, high = max(begin_ms, bucket.start_s * 1000), _earlier(end_ms, bucket_map.end_ms(number))
            if bucket.index in strays:
                low, high = begin_ms, end_ms
            if high is None or low < high:
                yield bucket.index, TimeRange(low, high, selector.type, selector.project)

    def strays(self) -> frozenset[str]:
        """The indices that hold documents outside the range of their bucket: none, as a rule.

        :raises Retryable: a part does not answer.
        """
        return self._known_strays(self._maps.refresh())

    def _known_strays(self, bucket_map: BucketMap) -> frozenset[str]:
        if self._strays is None:
            move = bucket_map.move
            # What moves is in two places by design, or about to be cleaned up.
            moving = frozenset[str]() if move is None else {move.source, move.target}
            self._strays = frozenset(
                bucket.index
                for number, bucket in enumerate(bucket_map.buckets)
                if bucket.index not in moving and self._has_strays(bucket, bucket_map.end_ms(number))
            )
        return self._strays

    def _has_strays(self, bucket: Bucket, end_ms: int | None) -> bool:
        try:
            before = self._documents.count(bucket.index, TimeRange(0, bucket.start_s * 1000)) if bucket.start_s else 0
            return before > 0 or (end_ms is not None and self._documents.count(bucket.index, TimeRange(end_ms)) > 0)
        except NotFound:
            return False


def _earlier(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else min(a, b)
