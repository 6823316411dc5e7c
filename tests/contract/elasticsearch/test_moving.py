"""What only the real server can show of moving documents: settings for loading, copies, lost shards, stray blocks."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from amp.adapters.elasticsearch.bucket_documents import ElasticsearchBucketDocuments
from amp.adapters.elasticsearch.bucket_indices import ElasticsearchBucketIndices
from amp.adapters.elasticsearch.client import ElasticsearchClient
from amp.adapters.elasticsearch.component import ElasticsearchComponent
from amp.adapters.elasticsearch.template import index_template
from amp.errors import SearchUnavailable
from amp.ports.bucket_documents import TimeRange
from tests.support.search.profiles import asset, elasticsearch_client, remove_everything

pytestmark = pytest.mark.cluster
ALL = TimeRange(0)
Opened = Callable[..., ElasticsearchClient]


@pytest.fixture(name="opened")
def make_opened(cluster_settings: dict[str, str]) -> Iterator[Opened]:
    """Makes clients with settings of their own."""
    clients: list[ElasticsearchClient] = []

    def opened(**settings: object) -> ElasticsearchClient:
        clients.append(elasticsearch_client(cluster_settings, **settings))
        ElasticsearchComponent(clients[-1]).migrate()
        return clients[-1]

    yield opened
    for client in clients:
        remove_everything(client)
        client.close()


def settings_of(client: ElasticsearchClient, index: str) -> tuple[str, str]:
    found: dict[str, Any] = client.api.indices.get_settings(index=index).body[index]["settings"]["index"]
    return found["refresh_interval"], found["number_of_replicas"]


def test_an_index_for_loading_has_no_refresh_and_no_copies_until_it_serves(opened: Opened) -> None:
    client = opened(elasticsearch_replicas=1, elasticsearch_refresh_interval="2s")
    indices, index = ElasticsearchBucketIndices(client), f"{client.prefix}-a-1"
    assert indices.create(index, loading=True)
    assert settings_of(client, index) == ("-1", "0")
    indices.serve(index, 0.1)
    assert settings_of(client, index) == ("2s", "1")


def test_an_index_does_not_serve_while_copies_have_no_place(opened: Opened) -> None:
    client = opened(elasticsearch_replicas=1)
    if client.api.cluster.health().body["number_of_data_nodes"] > 1:
        pytest.skip("every copy has a place")
    indices, index = ElasticsearchBucketIndices(client), f"{client.prefix}-a-1"
    indices.create(index, loading=True)
    started = time.monotonic()
    assert not indices.serve(index, 0.5)
    assert 0.5 <= time.monotonic() - started < 5
    client.api.indices.put_settings(index=index, settings={"number_of_replicas": 0})
    assert ElasticsearchBucketIndices(opened()).serve(index, 10)


def test_only_a_block_of_writes_counts_as_one(opened: Opened) -> None:
    client = opened()
    indices, index = ElasticsearchBucketIndices(client), f"{client.prefix}-a-1"
    indices.create(index)
    client.api.indices.put_settings(index=index, settings={"index.blocks.read_only_allow_delete": True})
    assert [info.blocked for info in indices.info()] == [False]
    client.api.indices.put_settings(index=index, settings={"index.blocks.read_only_allow_delete": None})
    indices.block(index)
    assert [info.blocked for info in indices.info()] == [True]


def test_nothing_is_read_of_an_index_that_lacks_a_shard(opened: Opened) -> None:
    client = opened(elasticsearch_shards=2)
    documents, index = ElasticsearchBucketDocuments(client), f"{client.prefix}-a-1"
    made_of = index_template(client.settings)["template"]
    on_one_node = {"index": made_of["settings"]["index"] | {"routing.allocation.total_shards_per_node": 1}}
    if client.api.cluster.health().body["number_of_data_nodes"] > 1:
        pytest.skip("every shard has a place")
    client.api.indices.create(
        index=index, mappings=made_of["mappings"], settings=on_one_node, wait_for_active_shards="0"
    )
    client.api.cluster.health(index=index, wait_for_events="languid")
    for call in (
        lambda: documents.mark(index),
        lambda: documents.page(index, ALL, limit=10),
        lambda: documents.page(index, ALL, limit=10, since="[-1,-1]"),
        lambda: documents.count(index, ALL),
        lambda: documents.slices(index, ALL, 1_000),
        lambda: documents.median_created_ms(index, ALL),
        lambda: documents.revisions(index, [str(asset().id) for _ in range(50)]),
    ):
        with pytest.raises(SearchUnavailable):
            call()
