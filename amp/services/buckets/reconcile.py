"""Compares the bucket map with the search index, reports differences, and repairs what is safe to repair."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import structlog

from amp.domain.buckets import Bucket, BucketMap, with_stand_ins
from amp.domain.principals import Principal
from amp.errors import NotFound
from amp.ports.bucket_indices import BucketIndices, IndexInfo
from amp.ports.creation_guard import CreationGuard
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.buckets.index_aliases import IndexAliases, read_filter

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference between the map and the search index."""

    index: str
    problem: str
    healed: bool


@dataclass(frozen=True, kw_only=True)
class BucketReconciliation:
    """Reports and repairs differences between the bucket map and the search index. During a move nothing is changed,
    because the mover sets aliases and blocks. Between moves only the map decides. Each repair removes exactly what was
    read, so an outdated read does no harm.
    """

    maps: BucketMaps
    indices: BucketIndices
    index_prefix: str
    guard: CreationGuard | None = None
    found: Callable[[int], object] = lambda _count: None

    @cached_property
    def _pointer(self) -> IndexAliases:
        return IndexAliases(indices=self.indices)

    def run(self, principal: Principal, *, heal: bool = True) -> list[Finding]:
        """Compare map and search index, and repair what is safe to repair if `heal`. Return the differences.

        :raises Retryable: a component does not answer.
        """
        bucket_map = self.maps.refresh()
        if bucket_map.move is not None:
            return []
        infos = {info.index: info for info in self.indices.info()}
        known = {bucket.index for bucket in bucket_map.buckets}
        lost = [bucket for bucket in bucket_map.buckets if bucket.index not in infos]
        findings: list[Finding] = []
        if lost:
            bucket_map, findings = self._stand_in(bucket_map, lost, heal)
        for bucket in bucket_map.buckets:
            if bucket.index in infos:
                findings += self._differences(bucket_map, bucket, infos[bucket.index], heal)
        # Unknown indices are never dropped: they may have documents that someone needs.
        findings += [Finding(index, "belongs to no bucket", healed=False) for index in infos if index not in known]
        findings += self._gaps(heal)
        self.found(len(findings))
        for finding in findings:
            _log.warning(
                "bucket map and search index differ",
                action="bucket_finding",
                index=finding.index,
                problem=finding.problem,
                repaired=finding.healed,
                by=principal.name,
            )
        return findings

    def incomplete(self, principal: Principal) -> tuple[Bucket, ...]:  # noqa: ARG002
        """Return the buckets of which documents may be missing although map and index agree.

        :raises Retryable: a component does not answer.
        """
        return self.maps.refresh().incomplete

    def _gaps(self, heal: bool) -> list[Finding]:
        gaps = [] if self.guard is None else self.guard.gaps()
        if heal and self.guard is not None and any(gap.ours for gap in gaps):
            self.guard.close()
        return [Finding(gap.template, gap.problem, healed=heal and gap.ours) for gap in gaps]

    def _stand_in(self, bucket_map: BucketMap, lost: Sequence[Bucket], heal: bool) -> tuple[BucketMap, list[Finding]]:
        """Replace lost indices by empty ones, known to be incomplete: a bucket without an index fails all searches."""
        problem = "the index is lost; its documents have to be indexed again"
        after = with_stand_ins(bucket_map, self.index_prefix, lost)
        # In this order, two processes that find the same loss give the new indices the same names.
        if not heal or not self.maps.replace(after, bucket_map):
            return bucket_map, [Finding(bucket.index, problem, healed=False) for bucket in lost]
        findings = []
        for bucket in lost:
            made = after.bucket_at(bucket.start_s * 1000)
            self.indices.create(made.index)
            healed = self._point(after, made, seen=None)
            findings.append(Finding(bucket.index, f"{problem}; {made.index} replaces it", healed))
        return after, findings

    def _differences(self, bucket_map: BucketMap, bucket: Bucket, info: IndexInfo, heal: bool) -> list[Finding]:
        problems = []
        if info.blocked:
            problems.append("writes are blocked")
        if info.write_aliases != (bucket.write_alias,):
            problems.append(f"write aliases are {', '.join(info.write_aliases) or 'none'}, not {bucket.write_alias}")
        if info.read != read_filter(bucket_map, bucket):
            problems.append("searches read a different range of it from the one in the map")
        healed = bool(problems) and heal and self._heal(bucket_map, bucket, info)
        return [Finding(info.index, problem, healed) for problem in problems]

    def _heal(self, bucket_map: BucketMap, bucket: Bucket, info: IndexInfo) -> bool:
        """Repair the aliases. Return False if the map or the aliases have changed meanwhile; the next run compares
        again.
        """
        if not self._is_still(bucket_map):
            return False
        try:
            if info.blocked:
                self.indices.unblock(info.index)
        except NotFound:
            return False  # it was merged or rebuilt meanwhile
        return self._point(bucket_map, bucket, info)

    def _point(self, bucket_map: BucketMap, bucket: Bucket, seen: IndexInfo | None) -> bool:
        try:
            return self._pointer.point(bucket_map, bucket, seen, lambda: self._is_still(bucket_map))
        except NotFound:
            return False  # it was merged or rebuilt meanwhile

    def _is_still(self, bucket_map: BucketMap) -> bool:
        return self.maps.refresh().generation == bucket_map.generation
