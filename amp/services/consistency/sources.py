"""Finds the indices that have documents of a time range, including misplaced ones."""

from collections.abc import Iterator

from amp.domain.buckets import Bucket, BucketMap
from amp.domain.selectors import Selector
from amp.errors import NotFound
from amp.ports.bucket_documents import DocumentTotals, TimeRange
from amp.services.buckets.bucket_map import BucketMaps


class DocumentSources:
    """Finds indices by the time range of their documents. Create one instance for each check, because results are
    cached.
    """

    def __init__(self, documents: DocumentTotals, maps: BucketMaps) -> None:
        self._documents = documents
        self._maps = maps
        self._misplaced: frozenset[str] | None = None

    def of(self, selector: Selector, begin_ms: int, end_ms: int | None) -> Iterator[tuple[str, TimeRange]]:
        """Yield each index with the part of the range for which it may have documents. The indices are in order of
        time, except for those with misplaced documents.

        :raises Retryable: a component does not answer.
        """
        bucket_map = self._maps.refresh()
        misplaced = self._known_misplaced(bucket_map)
        for number, bucket in enumerate(bucket_map.buckets):
            low, high = max(begin_ms, bucket.start_s * 1000), _earlier(end_ms, bucket_map.end_ms(number))
            if bucket.index in misplaced:
                low, high = begin_ms, end_ms
            if high is None or low < high:
                yield bucket.index, TimeRange(low, high, selector.type, selector.project)

    def misplaced(self) -> frozenset[str]:
        """Return the indices that have documents outside the range of their bucket. Usually there are none.

        :raises Retryable: a component does not answer.
        """
        return self._known_misplaced(self._maps.refresh())

    def _known_misplaced(self, bucket_map: BucketMap) -> frozenset[str]:
        if self._misplaced is None:
            move = bucket_map.move
            # Documents that move are in two indices by design, or about to be cleaned up.
            moving = frozenset[str]() if move is None else {move.source, move.target}
            self._misplaced = frozenset(
                bucket.index
                for number, bucket in enumerate(bucket_map.buckets)
                if bucket.index not in moving and self._has_misplaced(bucket, bucket_map.end_ms(number))
            )
        return self._misplaced

    def _has_misplaced(self, bucket: Bucket, end_ms: int | None) -> bool:
        try:
            before = self._documents.count(bucket.index, TimeRange(0, bucket.start_s * 1000)) if bucket.start_s else 0
            return before > 0 or (end_ms is not None and self._documents.count(bucket.index, TimeRange(end_ms)) > 0)
        except NotFound:
            return False


def _earlier(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else min(a, b)
