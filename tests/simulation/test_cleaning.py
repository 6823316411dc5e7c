"""Cleaning the source must lose nothing that came there after all, whoever wrote it."""

from __future__ import annotations

from dataclasses import replace

import orjson

from amp.domain.assets import asset_json
from amp.domain.documents import head_document
from amp.domain.moves import MoveKind, Phase
from amp.ports.search_index import PutResult
from tests.simulation.campaign import ran
from tests.simulation.parts import Parts
from tests.simulation.simulation import Simulation
from tests.support.simulated.cluster import Index, SimulatedCluster
from tests.support.simulated.faults import Faults
from tests.support.simulated.scheduler import Play
from tests.support.simulated.store_twins import ASSET_TYPE

_CALM = Parts(faults=lambda _: Faults())
_SEEDS = 120
#: At least so many documents are to be planted, or the test shows nothing.
_MIN_PLANTED = 20


class _Garden(Simulation):
    """When a split has switched, newer documents of what moved land in the source, of which no event tells."""

    planted = 0

    def _people(self) -> None:
        super()._people()
        self.scheduler.add_play("gardener", self._gardener())

    def _gardener(self) -> Play[None]:
        yield self._cleans
        move = self.registry.now.move
        assert move is not None
        yield 7.0 * self.scheduler.random.random()
        source = self.cluster.indices[move.source]
        for stored in [stored for stored in source.docs.values() if stored.is_head and move.covers(stored.created_ms)]:
            asset = next(asset for asset in self.store.assets.values() if str(asset.id) == stored.asset_id)
            newer = replace(asset, revision=asset.revision + 1)
            document = head_document(newer, ASSET_TYPE, orjson.dumps(asset_json(newer)))
            self.store.step(newer)
            body = {**document.body, "source": document.body.get("source", b"").decode()}
            self.cluster.land(source, document.doc_id, newer.revision, newer.created_ms, body)
            self.scheduler.note(f"plants {document.doc_id}@{newer.revision} in {source.name}")
            self.planted += 1

    def _cleans(self) -> bool:
        move = self.registry.now.move
        return move is not None and move.kind is MoveKind.SPLIT and move.phase is Phase.SWITCHED


class _DeletesAnyRevision(SimulatedCluster):
    def land_delete(self, index: Index, doc_id: str, revision: int) -> PutResult:  # noqa: ARG002 - that is the fault
        return super().land_delete(index, doc_id, 1 << 62)


def test_a_newer_document_planted_in_the_source_survives_cleaning() -> None:
    planted = 0
    for seed in range(_SEEDS):
        simulation, failure = ran(seed, _CALM, _Garden)
        assert failure is None, f"seed {seed}: {failure}"
        planted += simulation.planted
    assert planted > _MIN_PLANTED


def test_a_newer_document_is_lost_where_deletes_do_not_look_at_revisions() -> None:
    careless = replace(_CALM, cluster=_DeletesAnyRevision)
    assert any(ran(seed, careless, _Garden)[1] for seed in range(10 * _SEEDS))
