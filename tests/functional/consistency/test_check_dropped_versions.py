"""Tombstones of versions past the number kept, of which the store knows nothing, are no fault; a purge removes them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from amp.api.app import create_app
from amp.domain.assets import Asset, Change
from amp.ports.asset_store import CommitResult
from amp.ports.bucket_documents import RawDocument
from amp.ports.message_queue import Topic
from amp.ports.search_index import PutResult
from tests.support.jobs.calls import DEADLINE_S, counts, ended, started
from tests.support.moves.moving import working
from tests.support.service.rest import Rest
from tests.support.service.wired import Wired, embedded, wired
from tests.support.stack.waiting import wait_until


def test_dropped_versions_differ_in_nothing_and_stay_as_they_are(tmp_path: Path) -> None:
    settings = {"versions_kept": 2, "search_timeout_s": "0.2", "intent_grace_s": "0.2"}
    with wired(embedded(tmp_path) | settings) as environment, working(environment, "index", "relay", "extract", "job"):
        rest = Rest(create_app(environment.amp))
        asset, other = environment.create("one"), environment.create("another")
        for name in ("two", "three", "four"):
            asset = environment.edit(asset, name)
        environment.delete(other)
        wait_until(
            lambda: environment.amp.adapters.queue.lag(Topic.REALTIME, "index") == 0, DEADLINE_S, "the index worker"
        )
        before = environment.amp.adapters.documents.of_assets([asset.id, other.id])
        assert len(before) == 5, "a head, a version, two tombstones of versions, and that of an asset"
        for kind in ("check", "fix"):
            for deep in (False, True):
                job = ended(rest, started(rest, kind, {"all": True}, parameters={"deep": deep}))
                assert counts(job) == {"done": 2}
        assert environment.amp.adapters.documents.of_assets([asset.id, other.id]) == before


def left(environment: Wired, asset_id: UUID) -> list[str]:
    """The documents of an asset, of whatever version."""
    environment.refresh()
    return sorted(document.doc_id for _, document in environment.amp.adapters.documents.of_assets([asset_id]))


def edited_and_deleted(environment: Wired, asset: Asset, versions: int) -> None:
    """Until the index has a tombstone of each version."""
    for number in range(2, versions + 1):
        environment.edit(asset, f"name {number}")
    deleted = environment.delete(asset)
    expected = [str(asset.id), *(f"{asset.id}:{version}" for version in range(1, versions))]

    def indexed() -> bool:
        environment.refresh()
        found = {d.doc_id: d.revision for _, d in environment.amp.adapters.documents.of_assets([asset.id])}
        return sorted(found) == expected and found[str(asset.id)] == deleted.revision

    wait_until(indexed, DEADLINE_S, "the index worker")


@pytest.fixture(params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Wired]:
    own = embedded(tmp_path)
    settings = own if request.param == "embedded" else request.getfixturevalue("fresh_cluster_settings")
    with (
        wired(settings | {"versions_kept": "2", "intent_grace_s": "0.2"}) as made,
        working(made, "index", "relay", "extract", "job"),
    ):
        yield made


def test_a_purge_removes_the_tombstones_of_dropped_versions(
    environment: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amp.services.indexing.remove_documents._DOCUMENTS_AT_ONCE", 3)
    rest, documents = Rest(create_app(environment.amp)), environment.amp.adapters.documents
    asset = environment.create()
    edited_and_deleted(environment, asset, 8)
    delete, removed = documents.delete, []

    def noting(alias: str, some: Sequence[RawDocument]) -> list[PutResult]:
        removed.append(len(some))
        return delete(alias, some)

    monkeypatch.setattr(documents, "delete", noting)
    purge = started(rest, "purge", {"ids": [str(asset.id)]}, parameters={"retention_s": 0})
    assert counts(ended(rest, purge)) == {"changed": 1}
    assert left(environment, asset.id) == []
    assert removed == [3, 3, 2], "some at a time"
    assert counts(ended(rest, started(rest, "check", {"ids": [str(asset.id)]}))) == {"done": 1}


def test_a_purge_keeps_documents_of_a_recreation_with_fewer_versions(environment: Wired) -> None:
    rest = Rest(create_app(environment.amp))
    first = environment.create()
    edited_and_deleted(environment, first, 8)
    store, real = environment.amp.adapters.store, environment.amp.adapters.store.apply
    again = {"type": "clip", "id": str(first.id), "name": "again"}

    def apply(changes: Sequence[Change]) -> list[CommitResult]:
        outcomes = real(changes)
        if any(change.kind == "purged" for change in changes):
            store.apply = real  # type: ignore[method-assign]
            assert rest.post("/v1/assets?wait_for=searchable&timeout=30s", json=again).status_code == 201
            assert (
                rest.put(f"/v1/assets/{first.id}?wait_for=searchable&timeout=30s", json={"name": "2"}).status_code
                == 200
            )
        return outcomes

    store.apply = apply  # type: ignore[method-assign]
    purge = started(rest, "purge", {"ids": [str(first.id)]}, parameters={"retention_s": 0})
    assert counts(ended(rest, purge)) == {"changed": 1}
    assert left(environment, first.id) == [str(first.id), f"{first.id}:1"]
    assert counts(ended(rest, started(rest, "check", {"ids": [str(first.id)]}))) == {"done": 1}
