"""Compares the bucket map with the search index: what disagrees is told, and healed where that is safe."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from amp.domain.buckets import Bucket, BucketMap, index_name
from amp.errors import NotFound
from amp.ports.bucket_indices import AliasChange, BucketIndices, IndexInfo
from amp.ports.creation_guard import CreationGuard
from amp.services.bucket_maps import BucketMaps
from amp.services.move_aliases import read_filter

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as the map says."""

    index: str
    problem: str
    healed: bool


class ReconcileBuckets:
    """While a move is under way nothing is touched: aliases and blocks are the mover's then. Between moves the map
    alone says how things are, and each repair takes away exactly what was seen, so an old look does no harm.
    """

    def __init__(
        self,
        maps: BucketMaps,
        indices: BucketIndices,
        index_prefix: str,
        guard: CreationGuard | None = None,
        found: Callable[[int], object] = lambda _count: None,
    ) -> None:
        """`guard`: None where no write ever makes an index. `found` is told how much disagreed at each look."""
        self._maps = maps
        self._indices = indices
        self._prefix = index_prefix
        self._guard = guard
        self._found = found

    def run(self, *, heal: bool = True) -> list[Finding]:
        """What is wrong; healed where `heal` and it is safe.

        :raises Retryable: a part does not answer.
        """
        bucket_map = self._maps.refresh()
        if bucket_map.move is not None:
            return []
        infos = {info.index: info for info in self._indices.info()}
        findings = []
        for bucket in bucket_map.buckets:
            info = infos.pop(bucket.index, None)
            if info is None:
                findings.append(self._lost(bucket_map, bucket, heal))
            else:
                findings += self._differences(bucket_map, bucket, info, heal)
        # Never dropped: what is not ours to know may hold what somebody needs.
        findings += [Finding(index, "belongs to no bucket", healed=False) for index in infos]
        findings += self._gaps(heal)
        self._found(len(findings))
        for finding in findings:
            _log.warning("buckets disagree", action="bucket_finding", index=finding.index, what=finding.problem)
        return findings

    def _gaps(self, heal: bool) -> list[Finding]:
        gaps = [] if self._guard is None else self._guard.gaps()
        if heal and self._guard is not None and any(gap.ours for gap in gaps):
            self._guard.close()
        return [Finding(gap.template, gap.problem, healed=heal and gap.ours) for gap in gaps]

    def _lost(self, bucket_map: BucketMap, bucket: Bucket, heal: bool) -> Finding:
        """A bucket without an index stops all searches; an empty one stands in, known to be incomplete."""
        problem = "the index is gone; its documents have to be indexed again"
        if not heal:
            return Finding(bucket.index, problem, healed=False)
        generation = bucket_map.generation + 1
        made = Bucket(
            start_s=bucket.start_s,
            index=index_name(self._prefix, bucket.start_s, generation),
            token=generation,
            incomplete=True,
        )
        buckets = tuple(made if b is bucket else b for b in bucket_map.buckets)
        after = replace(bucket_map, generation=generation, buckets=buckets)
        # In this order: two who see the same loss give the new index the same name.
        if not self._maps.replace(after, bucket_map):
            return Finding(bucket.index, problem, healed=False)
        self._indices.create(made.index)
        healed = self._is_still(after) and self._point(after, made, remove=())
        return Finding(bucket.index, f"{problem}; {made.index} stands in", healed)

    def _differences(self, bucket_map: BucketMap, bucket: Bucket, info: IndexInfo, heal: bool) -> list[Finding]:
        problems = []
        if info.blocked:
            problems.append("writes are blocked")
        if info.write_aliases != (bucket.write_alias,):
            problems.append(f"write aliases are {', '.join(info.write_aliases) or 'none'}, not {bucket.write_alias}")
        if info.read != read_filter(bucket_map, bucket):
            problems.append("searches see another range of it than the map says")
        healed = bool(problems) and heal and self._heal(bucket_map, bucket, info)
        return [Finding(info.index, problem, healed) for problem in problems]

    def _heal(self, bucket_map: BucketMap, bucket: Bucket, info: IndexInfo) -> bool:
        """False: the map or the aliases changed meanwhile; the next look tells."""
        if not self._is_still(bucket_map):
            return False
        try:
            if info.blocked:
                self._indices.unblock(info.index)
            return self._point(bucket_map, bucket, remove=info.write_aliases)
        except NotFound:
            return False  # merged or rebuilt meanwhile

    def _point(self, bucket_map: BucketMap, bucket: Bucket, remove: tuple[str, ...]) -> bool:
        return self._indices.change_aliases(
            AliasChange(
                remove_write=tuple((bucket.index, alias) for alias in remove),
                add_write=((bucket.index, bucket.write_alias),),
                set_read=(read_filter(bucket_map, bucket),),
            )
        )

    def _is_still(self, bucket_map: BucketMap) -> bool:
        return self._maps.refresh().generation == bucket_map.generation
