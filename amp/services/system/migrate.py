"""Creates everything that must exist: tables, topics, the index template, the first bucket and its aliases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from amp.domain.buckets import BucketMap, first_map, with_stand_ins
from amp.errors import NotMigrated
from amp.ports.bucket_indices import BucketIndices, IndexInfo
from amp.ports.bucket_registry import BucketRegistry
from amp.ports.component import Component
from amp.services.buckets.index_aliases import IndexAliases, has_aliases


@dataclass(frozen=True, kw_only=True)
class SystemMigration:
    """Creates what is missing in the installation. It is safe to run twice, even concurrently; a second run finds
    nothing to do. It is safe during moves, because only indices without aliases get some.
    """

    components: Sequence[Component]
    registry: BucketRegistry
    indices: BucketIndices
    index_prefix: str

    @cached_property
    def _pointer(self) -> IndexAliases:
        return IndexAliases(indices=self.indices)

    def pending(self) -> list[str]:
        """Return what `run` would do, one line for each step.

        :raises Retryable: a component does not answer.
        """
        lines = [f"{component.name}: {line}" for component in self.components for line in component.pending()]
        try:
            found = self.registry.load()
        except NotMigrated:
            found = None
        if found is None:
            return [*lines, "buckets: create the first bucket, from 1970 on"]
        return lines + [f"buckets: {line}" for line in self._missing(found)]

    def run(self) -> list[str]:
        """Create what is missing. Return one line for each step.

        :raises Retryable: a component does not answer; completed steps stay, run it again.
        """
        lines = [f"{component.name}: {line}" for component in self.components for line in component.migrate()]
        return lines + [f"buckets: {line}" for line in self._make_buckets()]

    def _make_buckets(self) -> list[str]:
        found = self.registry.load()
        if found is None:
            # Created before the map, because an index that the map knows and that is missing counts as lost.
            first = first_map(self.index_prefix)
            made = self.indices.create(first.buckets[0].index)
            lines = [f"created index {first.buckets[0].index}"] if made else []
            if self.registry.replace(first, expected_generation=0):
                lines.append("created the bucket map with one bucket, from 1970 on")
            found = self.registry.load() or first
        else:
            lines = []
        if found.move is not None:
            return lines  # during a move, its mover sets the aliases
        there = {info.index: info for info in self.indices.info()}
        if lost := [bucket for bucket in found.buckets if bucket.index not in there]:
            after = with_stand_ins(found, self.index_prefix, lost)
            if not self.registry.replace(after, expected_generation=found.generation):
                return lines  # a worker was faster
            found = after
            for bucket in found.incomplete:
                if bucket.token == found.generation and self.indices.create(bucket.index):
                    lines.append(f"created index {bucket.index}, whose documents have to be indexed again")
        return lines + self._point(found, there)

    def _point(self, bucket_map: BucketMap, there: Mapping[str, IndexInfo]) -> list[str]:
        """Point aliases at indices that have none. All other aliases belong to the bucket worker."""

        def is_current() -> bool:
            now = self.registry.load()
            return now is not None and now.generation == bucket_map.generation

        lines = []
        for bucket in bucket_map.buckets:
            info = there.get(bucket.index)
            if not has_aliases(info) and self._pointer.point(bucket_map, bucket, info, is_current):
                lines.append(f"pointed the aliases at {bucket.index}")
        return lines

    def _missing(self, bucket_map: BucketMap) -> list[str]:
        if bucket_map.move is not None:
            return []
        try:
            there = {info.index: info for info in self.indices.info()}
        except NotMigrated:
            there = {}  # the whole search index is lost
        lines = []
        for bucket in bucket_map.buckets:
            info = there.get(bucket.index)
            if info is None:
                lines.append(f"create an index in place of {bucket.index}, which is lost")
            elif not has_aliases(info):
                lines.append(f"point the aliases at {bucket.index}")
        return lines
