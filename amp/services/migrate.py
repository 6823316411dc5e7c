"""Makes everything that must exist: tables, topics, the index template, the first bucket and its aliases."""

from collections.abc import Sequence

from amp.domain.buckets import BucketMap, first_map
from amp.errors import NotFound, NotMigrated
from amp.ports.bucket_indices import AliasChange, BucketIndices, ReadFilter
from amp.ports.bucket_registry import BucketRegistry
from amp.ports.part import Part


class Migrate:
    """Safe to run twice, and twice at once; a second run finds nothing to do."""

    def __init__(
        self, parts: Sequence[Part], registry: BucketRegistry, indices: BucketIndices, index_prefix: str
    ) -> None:
        self._parts = parts
        self._registry = registry
        self._indices = indices
        self._index_prefix = index_prefix

    def pending(self) -> list[str]:
        """What `run` would do, one line each.

        :raises Retryable: a part does not answer.
        """
        lines = [f"{part.name}: {line}" for part in self._parts for line in part.pending()]
        try:
            found = self._registry.load()
        except NotMigrated:
            found = None
        if found is None:
            return [*lines, "buckets: make the first bucket, from 1970 on"]
        return lines + [f"buckets: {line}" for line in self._missing(found)]

    def run(self) -> list[str]:
        """Do it; one line for each thing done.

        :raises Retryable: a part does not answer; what was done stays done, run it again.
        """
        lines = [f"{part.name}: {line}" for part in self._parts for line in part.migrate()]
        found = self._registry.load()
        if found is None:
            first = first_map(self._index_prefix)
            if self._registry.replace(first, expected_generation=0):
                lines.append("buckets: made the bucket map with one bucket, from 1970 on")
            found = self._registry.load() or first
        return lines + [f"buckets: {line}" for line in self._make(found)]

    def _missing(self, bucket_map: BucketMap) -> list[str]:
        there = {info.index: info for info in self._indices.info()}
        lines = []
        for bucket in bucket_map.buckets:
            info = there.get(bucket.index)
            if info is None:
                lines.append(f"make index {bucket.index}")
            if info is None or bucket.write_alias not in info.write_aliases or info.read is None:
                lines.append(f"point the aliases at {bucket.index}")
        return lines

    def _make(self, bucket_map: BucketMap) -> list[str]:
        if bucket_map.generation > 1:
            return []  # a map that has moved on is the bucket worker's to keep in step
        lines = []
        there = {info.index: info for info in self._indices.info()}
        for position, bucket in enumerate(bucket_map.buckets):
            if bucket.index not in there and self._indices.create(bucket.index):
                lines.append(f"made index {bucket.index}")
            info = there.get(bucket.index)
            if info is None or bucket.write_alias not in info.write_aliases or info.read is None:
                read = ReadFilter(bucket.index, bucket.start_s * 1000, bucket_map.end_ms(position))
                change = AliasChange(add_write=((bucket.index, bucket.write_alias),), set_read=(read,))
                if not self._indices.change_aliases(change):
                    raise NotFound(f"index {bucket.index} vanished meanwhile; run migrate again")
                lines.append(f"pointed the aliases at {bucket.index}")
        return lines
