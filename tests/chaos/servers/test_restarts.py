"""What a restart must not change: everything stored is there, and nothing deleted comes back."""

import threading
from uuid import UUID

import pytest

from amp.domain.assets import Scope
from amp.domain.messages import AssetChanged
from amp.ports.message_queue import Topic
from amp.services.indexing.write_documents import AssetDocuments
from tests.chaos.servers.environment import Environment
from tests.support.stack.waiting import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


def test_a_deleted_asset_stays_deleted_after_a_restart_and_a_slow_worker(
    environment: Environment,
) -> None:
    api_client = environment.api_client
    asset_id = api_client.create("to be deleted", wait="?wait_for=searchable&timeout=60s")["id"]
    api_client.sure("PUT", f"/v1/assets/{asset_id}?wait_for=searchable&timeout=60s", json={"name": "second"})
    # A worker that built its documents before the deletion, and slept.
    stale = documents_now(environment, UUID(asset_id))
    assert [len(documents.documents) for documents in stale] == [2]
    deleted = api_client.sure("DELETE", f"/v1/assets/{asset_id}?wait_for=searchable&timeout=60s")
    assert "AMP-Searchable" not in deleted.headers

    # Elasticsearch forgets the versions of what was really deleted when it restarts.
    environment.stack.elasticsearch.kill()
    environment.heal()
    assert environment.amp.indexing.indexer.writer.write(stale, threading.Event()) == {}
    indices = environment.amp.adapters.indices
    indices.refresh([info.index for info in indices.info()])
    assert api_client.revisions_found([asset_id]) == {}
    environment.assert_nothing_lost("a late put after Elasticsearch restarted")


def test_everything_stored_survives_a_restart_of_everything(environment: Environment) -> None:
    with environment.load("restart") as load:
        load.run_for(3)
        environment.service.kill()
    for server in environment.stack.servers.values():
        server.kill()
    assert not environment.stack.answers
    environment.heal()
    environment.assert_nothing_lost("a restart of everything")
    # And it goes on from there.
    asset_id = environment.api_client.create("after the restart", wait="?wait_for=searchable&timeout=60s")["id"]
    assert environment.api_client.revisions_found([asset_id]) == {asset_id: 1}
    wait_until(lambda: environment.amp.adapters.queue.lag(Topic.REALTIME, "index") == 0, 60, "the worker to commit")


def documents_now(environment: Environment, asset_id: UUID) -> list[AssetDocuments]:
    """What a worker would index now for every event of the asset."""
    head = environment.amp.adapters.store.heads([asset_id])[asset_id]
    event = AssetChanged(
        asset_id=asset_id,
        version=head.version,
        revision=head.revision,
        scope=Scope.ALL,
        change_id=head.change_id,
    )
    return environment.amp.indexing.builder.build({event.asset_id: [event]}).documents
