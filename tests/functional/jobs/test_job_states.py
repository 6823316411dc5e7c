"""Jobs that delete, restore, purge and index again: what is left in the store and in the index."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from amp.api.app import create_app
from amp.bootstrap import Amp
from amp.domain.assets import Asset, ChangeKind
from amp.domain.principals import BUCKET_WORKER
from amp.ports.bucket_documents import RawDocument
from amp.ports.message_queue import Topic
from amp.ports.search_index import PutResult, WriteStatus
from tests.support.asset_samples import step, write
from tests.support.jobs.calls import (
    DEADLINE_S,
    asset,
    await_search,
    changed,
    counts,
    deleted,
    documents,
    new_assets,
    ran,
    replay,
    results,
    versions,
)
from tests.support.service.built import running
from tests.support.service.rest import Rest, unique
from tests.support.stack.waiting import wait_until


def test_assets_are_deleted_and_restored(service: Amp, rest: Rest) -> None:
    kind = rest.new_type()
    made = new_assets(rest, kind, 3, metadata={"codec": "h264"})
    changed(rest, made[0], codec="hevc")
    await_search(rest, f"type:{kind}", made)
    assert counts(ran(rest, "delete", {"query": f"type:{kind} codec:h264"})) == {"changed": 2}
    await_search(rest, f"type:{kind}", made[:1])
    assert [rest.get(f"/v1/assets/{i}").status_code for i in made] == [200, 410, 410]
    assert counts(ran(rest, "delete", {"type": kind})) == {"changed": 1, "done": 2}
    await_search(rest, f"type:{kind}", [])
    assert counts(ran(rest, "restore", {"ids": made[:2]})) == {"changed": 2}
    await_search(rest, f"type:{kind}", made[:2])
    assert [asset(rest, i)["version"] for i in made] == [2, 1, 1]
    assert counts(ran(rest, "restore", {"type": kind})) == {"changed": 1, "done": 2}
    await_search(rest, f"type:{kind}", made)
    assert versions(rest, made[0]) == [{"codec": "hevc"}, {"codec": "h264"}]
    assert f"{made[0]}:1" in documents(service, made)


def test_a_deletion_by_query_spares_what_the_index_alone_still_calls_so(service: Amp, rest: Rest) -> None:
    kind = rest.new_type()
    made = new_assets(rest, kind, 3, labels=["night"])
    await_search(rest, f"type:{kind} labels:night", made)
    store = service.adapters.store
    # No event tells the index of it.
    write(store, step(store.heads([UUID(made[0])])[UUID(made[0])], ChangeKind.LABELLED, labels=()))
    assert counts(ran(rest, "delete", {"query": f"type:{kind} labels:night"})) == {"changed": 2, "skipped": 1}
    assert [rest.get(f"/v1/assets/{i}").status_code for i in made] == [200, 410, 410]


def test_a_purge_removes_what_was_deleted_for_long_enough_and_nothing_else(service: Amp, rest: Rest) -> None:
    kind, project = rest.new_type(), unique("p")
    names = [unique("e") for _ in range(2)]
    gone, alive = (
        rest.new_asset(kind, project=project, external_id=name, metadata={"codec": "h264"})["id"] for name in names
    )
    changed(rest, gone, codec="hevc")
    deleted(rest, gone)
    wait_until(
        lambda: documents(service, [gone]) == {gone: 3, f"{gone}:1": 3} and len(documents(service, [alive])) == 1,
        DEADLINE_S,
        "the index",
    )
    early = ran(rest, "purge", {"type": kind})
    assert counts(early) == {"skipped": 2}
    assert counts(ran(rest, "purge", {"type": kind}, parameters={"retention_s": 3600})) == {"skipped": 2}
    assert asset(rest, gone)["revision"] == 3
    job = ran(rest, "purge", {"type": kind}, parameters={"retention_s": 0})
    assert counts(job) == {"changed": 1, "skipped": 1}
    for path in (f"/v1/assets/{gone}", f"/v1/assets/{gone}?deleted=true", f"/v1/assets/{gone}/versions"):
        assert rest.get(path).status_code == 404, path
    assert rest.post(f"/v1/assets/{gone}/restore").status_code == 404
    assert list(documents(service, [gone, alive])) == [alive]
    page = service.adapters.listing.page(type_name=kind, position=None, limit=10)
    assert [str(asset_id) for asset_id in page.ids] == [alive]
    assert asset(rest, alive)["state"] == "active"
    assert counts(ran(rest, "purge", {"ids": [gone]}, parameters={"retention_s": 0})) == {"skipped": 1}
    replay(service, job["id"], [gone])
    heir = rest.new_asset(kind, project=project, external_id=names[0], id=gone)
    assert (heir["version"], heir["revision"]) == (1, 5), "the same id continues"
    replay(service, job["id"], [gone])
    assert asset(rest, gone)["state"] == "active", "what was purged once is not purged again"
    await_search(rest, f"type:{kind}", [gone, alive])


def test_a_purge_removes_documents_that_came_after_the_deletion(service: Amp, rest: Rest) -> None:
    kind = rest.new_type()
    made = new_assets(rest, kind, 30)
    for asset_id in made:
        changed(rest, asset_id, codec="hevc")
        deleted(rest, asset_id)
    job = ran(rest, "purge", {"type": kind}, parameters={"retention_s": 0})
    assert counts(job) == {"changed": 30}
    queue = service.adapters.queue
    mark = queue.mark(Topic.REALTIME)
    wait_until(lambda: queue.behind(Topic.REALTIME, "index", mark) == 0, DEADLINE_S, "the index worker")
    assert documents(service, made) == {}


def test_a_purge_that_leaves_a_document_fails_and_can_be_replayed(
    service: Amp, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, raw = rest.new_type(), service.adapters.documents
    kept, gone = new_assets(rest, kind, 2)
    for asset_id in (kept, gone):
        deleted(rest, asset_id)
    wait_until(lambda: documents(service, [kept, gone]) == {kept: 2, gone: 2}, DEADLINE_S, "the index")
    delete = raw.delete

    def rejecting(alias: str, some: Sequence[RawDocument]) -> list[PutResult]:
        results = delete(alias, [document for document in some if document.position.asset_id != kept])
        rest_of_them = [PutResult(WriteStatus.REJECTED, "it may not go")] * (len(some) - len(results))
        taken, rejected = iter(results), iter(rest_of_them)
        return [next(rejected if document.position.asset_id == kept else taken) for document in some]

    with monkeypatch.context() as patch:
        patch.setattr(raw, "delete", rejecting)
        job = ran(rest, "purge", {"type": kind}, parameters={"retention_s": 0})
    assert counts(job) == {"changed": 1, "failed": 1}
    assert results(rest, job["id"]) == {kept: ("failed", "not removed from the index: it may not go")}
    assert list(documents(service, [kept, gone])) == [kept]
    assert _stripped(service, [kept, gone]) == [gone]
    replay(service, job["id"], [kept])
    wait_until(lambda: _stripped(service, [kept]) == [kept], DEADLINE_S, "the rest of the purge")
    assert documents(service, [kept]) == {}


def _stripped(service: Amp, ids: Collection[str]) -> list[str]:
    heads = _heads(service, ids)
    return [asset_id for asset_id in ids if heads[asset_id].is_stripped]


@pytest.fixture
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Amp]:
    """An installation of the test's own."""
    if request.param == "embedded":
        settings: Mapping[str, object] = {"data_dir": tmp_path}
    else:
        settings = request.getfixturevalue("fresh_cluster_settings")
    with running({**settings, "bucket_check_s": "3600"}) as amp:
        yield amp


@pytest.mark.parametrize("own", ["embedded", pytest.param("cluster", marks=pytest.mark.cluster)], indirect=True)
def test_a_lost_index_is_made_whole_again(own: Amp) -> None:
    rest = Rest(create_app(own))
    kind = rest.new_type()
    made = new_assets(rest, kind, 40, metadata={"codec": "h264"})
    for n, asset_id in enumerate(made):
        if n % 3 == 1:
            changed(rest, asset_id, codec="hevc")
            changed(rest, asset_id, cameraId=n)
        if n % 4 == 1:
            deleted(rest, asset_id)
    heads = _heads(own, made)
    alive = [asset_id for n, asset_id in enumerate(made) if n % 4 != 1]
    expected = {asset_id: heads[asset_id].revision for asset_id in made}
    expected |= {
        f"{asset_id}:{version}": -1 for asset_id in made for version in range(1, heads[asset_id].version)
    }  # at whatever revision they were superseded
    wait_until(lambda: documents(own, made).keys() == expected.keys(), DEADLINE_S, "the index")
    await_search(rest, f"type:{kind}", alive)
    for info in own.adapters.indices.info():
        own.adapters.indices.drop(info.index)
    assert [finding.healed for finding in own.buckets.reconciliation.run(BUCKET_WORKER, heal=True)] == [True]
    assert documents(own, made) == {}
    assert counts(ran(rest, "reindex", {"all": True})) == {"done": 40}
    whole = documents(own, made)
    assert whole.keys() == expected.keys()
    for doc_id, revision in whole.items():
        assert revision == heads[doc_id[:36]].revision
    await_search(rest, f"type:{kind}", alive)
    found = rest.search(query={"field": "type", "eq": kind}, versions="all", size=200)["items"]
    assert len(found) == sum(heads[asset_id].version for asset_id in alive)


def _heads(amp: Amp, ids: Collection[str]) -> dict[str, Asset]:
    return {str(i): head for i, head in amp.adapters.store.heads([UUID(i) for i in ids]).items()}
