"""The safeguards of the protocol, each taken away: parts that are broken in one place only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from amp.domain.buckets import BucketMap
from amp.ports.bucket_indices import AliasChange, ReadFilter
from amp.ports.search_index import PutResult
from amp.services.copy_documents import Copy, CopyDocuments
from amp.services.move_aliases import MoveAliases
from amp.services.run_moves import MoveTimes, RunMoves
from tests.simulation.cluster import Index, SimulatedCluster, Stored
from tests.simulation.parts import Parts
from tests.simulation.search_twins import SimulatedBucketIndices


class _TakesAnyToken(SimulatedCluster):
    def answers(self, index: Index, alias: str) -> bool:  # noqa: ARG002 - that is the fault
        return True


class _DoesNotDrain(SimulatedCluster):
    def drained(self, index: Index) -> bool:  # noqa: ARG002 - that is the fault
        return True


class _DoesNotFilter(SimulatedCluster):
    def filtered(self, read: ReadFilter) -> ReadFilter:
        return ReadFilter(read.index, 0, None)


class _ForgetsVersions(SimulatedCluster):
    def outranked(self, revision: int, there: Stored) -> bool:  # noqa: ARG002 - that is the fault
        return False


class _DoesNotCompare(SimulatedCluster):
    def all_there(self, change: AliasChange) -> bool:  # noqa: ARG002 - that is the fault
        return True


class _DeletesForReal(SimulatedCluster):
    def land(self, index: Index, doc_id: str, revision: int, created_ms: int, body: dict[str, Any]) -> PutResult:
        if body["deleted"]:
            return self.land_delete(index, doc_id, revision)
        return super().land(index, doc_id, revision, created_ms, body)


class _DoesNotRefresh(SimulatedBucketIndices):
    def refresh(self, indices: Sequence[str]) -> None:
        self._scheduler.call(f"no refresh {' '.join(indices)}", lambda: None, lambda: None)


class _HoldsNobody(MoveAliases):
    def hold(self, bucket_map: BucketMap) -> None:
        """Writers go on under their token: only the block keeps them out."""

    def switch(self, bucket_map: BucketMap) -> None:
        assert bucket_map.move is not None
        super().switch(replace(bucket_map, move=replace(bucket_map.move, phase_token=bucket_map.move.dual_token)))


class _CopiesOnce(CopyDocuments):
    def run(self, copy: Copy, *args: Any, **kwargs: Any) -> int:
        return 0 if copy.since is not None else super().run(copy, *args, **kwargs)


class _DoesNotVerify(RunMoves):
    def _verify(self, *_: Any) -> None:
        pass


TAKEN_AWAY = {
    "write token": Parts(cluster=_TakesAnyToken),
    "hold token": Parts(aliases=_HoldsNobody),
    "drain": Parts(cluster=_DoesNotDrain),
    "read filter": Parts(cluster=_DoesNotFilter),
    "external version": Parts(cluster=_ForgetsVersions),
    "verify and last copy": Parts(copier=_CopiesOnce, mover=_DoesNotVerify),
    "refresh": Parts(indices=_DoesNotRefresh),
    "compare-and-set on aliases": Parts(cluster=_DoesNotCompare),
    "tombstones": Parts(cluster=_DeletesForReal),
    "wait before cleaning": Parts(times=MoveTimes(longest_search=0.0)),
}
