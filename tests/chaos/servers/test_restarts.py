"""What a restart must not change: everything stored is there, and nothing deleted comes back."""

import threading
from uuid import UUID

import pytest

from amp.domain.assets import Scope
from amp.domain.messages import AssetChanged
from amp.ports.message_queue import Topic
from amp.services.indexing.write_documents import AssetDocuments
from tests.chaos.servers.environment import World
from tests.support.stack.waiting import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


def test_a_deleted_asset_stays_deleted_when_elasticsearch_restarts_and_a_slow_worker_wakes_up(world: World) -> None:
    caller = world.caller
    asset_id = caller.create("to be deleted", wait="?wait_for=searchable&timeout=60s")["id"]
    caller.sure("PUT", f"/v1/assets/{asset_id}?wait_for=searchable&timeout=60s", json={"name": "second"})
    # A worker that built its documents before the deletion, and slept.
    stale = documents_now(world, UUID(asset_id))
    assert [len(documents.documents) for documents in stale] == [2]
    deleted = caller.sure("DELETE", f"/v1/assets/{asset_id}?wait_for=searchable&timeout=60s")
    assert "AMP-Searchable" not in deleted.headers

    # Elasticsearch forgets the versions of what was really deleted when it restarts.
    world.stack.elasticsearch.kill()
    world.heal()
    assert world.amp.indexing.indexer.writer.write(stale, threading.Event()) == {}
    indices = world.amp.adapters.indices
    indices.refresh([info.index for info in indices.info()])
    assert caller.revisions_found([asset_id]) == {}
    world.assert_nothing_lost("a late put after Elasticsearch restarted")


def test_everything_stored_survives_a_restart_of_everything(world: World) -> None:
    with world.load("restart") as load:
        load.run_for(3)
        world.service.kill()
    for server in world.stack.servers.values():
        server.kill()
    assert not world.stack.answers
    world.heal()
    world.assert_nothing_lost("a restart of everything")
    # And it goes on from there.
    asset_id = world.caller.create("after the restart", wait="?wait_for=searchable&timeout=60s")["id"]
    assert world.caller.revisions_found([asset_id]) == {asset_id: 1}
    wait_until(lambda: world.amp.adapters.queue.lag(Topic.REALTIME, "index") == 0, 60, "the worker to commit")


def documents_now(world: World, asset_id: UUID) -> list[AssetDocuments]:
    """What a worker would index now for every event of the asset."""
    head = world.amp.adapters.store.heads([asset_id])[asset_id]
    event = AssetChanged(
        asset_id=asset_id,
        version=head.version,
        revision=head.revision,
        scope=Scope.ALL,
        change_id=head.change_id,
    )
    return world.amp.indexing.builder.build({event.asset_id: [event]}).documents
