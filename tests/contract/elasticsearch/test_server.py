"""What only the real server can show of the Elasticsearch adapters: drains, templates, forks, sessions."""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from amp.adapters.elasticsearch import facets
from amp.adapters.elasticsearch.bucket_documents import ElasticsearchBucketDocuments
from amp.adapters.elasticsearch.bucket_indices import ElasticsearchBucketIndices
from amp.adapters.elasticsearch.client import ElasticsearchClient
from amp.adapters.elasticsearch.component import ElasticsearchComponent
from amp.adapters.elasticsearch.search_index import ElasticsearchSearchIndex
from amp.domain.buckets import Bucket
from amp.domain.criteria import FacetOn
from amp.domain.documents import IndexedDocument
from amp.errors import SearchUnavailable
from amp.ports.bucket_indices import AliasChange, ReadFilter
from amp.ports.search_index import PutResult, WriteStatus
from tests.support.search.profiles import (
    NEW_YEAR_MS,
    SearchProfile,
    asset,
    elasticsearch_client,
    head,
    names,
    remove_everything,
)

pytestmark = pytest.mark.cluster
DEADLINE_S = 30


@dataclass(frozen=True, kw_only=True)
class RealSet(SearchProfile):
    client: ElasticsearchClient


@pytest.fixture(name="real")
def make_real(cluster_settings: dict[str, str]) -> Iterator[RealSet]:
    """Without a template."""
    client = elasticsearch_client(cluster_settings)
    yield RealSet(
        index=ElasticsearchSearchIndex(client),
        indices=ElasticsearchBucketIndices(client),
        documents=ElasticsearchBucketDocuments(client),
        prefix=client.prefix,
        client=client,
    )
    remove_everything(client)
    client.close()


def test_a_second_blocker_waits_for_writes_in_progress_like_the_first(real: RealSet) -> None:
    documents = [head(asset(str(n), metadata={"takes": tuple(range(400))})) for n in range(200)]
    bucket = real.bucket()
    results: list[PutResult] = []
    writers = [threading.Thread(target=_put_into, args=[real, bucket, documents, results]) for _ in range(3)]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + DEADLINE_S
    while not _writing(real, bucket.index):
        assert time.monotonic() < deadline
        assert any(writer.is_alive() for writer in writers), "the writes were over before they could be caught"
    first = threading.Thread(target=real.client.api.indices.add_block, kwargs={"index": bucket.index, "block": "write"})
    first.start()
    while not real.indices.info()[0].blocked:
        assert time.monotonic() < deadline
    real.indices.block(bucket.index)
    assert not _writing(real, bucket.index)
    for thread in (first, *writers):
        thread.join()
    assert WriteStatus.DONE in {one.status for one in results}, "no write was under way"


def _put_into(real: RealSet, bucket: Bucket, documents: list[IndexedDocument], results: list[PutResult]) -> None:
    results += real.put(bucket, *documents)


def _writing(real: RealSet, index: str) -> bool:
    params = {"actions": "indices:data/write/bulk[s]*", "detailed": "true"}
    tasks = real.client.api.perform_request("GET", "/_tasks", params=params, headers={"accept": "application/json"})
    return index in str(tasks.body)


def test_neither_a_bulk_write_nor_a_bulk_delete_makes_an_index(real: RealSet) -> None:
    ElasticsearchComponent(real.client).migrate()
    name = f"{real.prefix}-stray-1"
    answer = real.client.api.bulk(operations=[{"delete": {"_index": name, "_id": "1"}}], require_alias=True).body
    assert answer["items"][0]["delete"]["status"] == 404
    real.client.api.bulk(operations=[{"index": {"_index": name, "_id": "1"}}, {"asset_id": "1"}])
    assert real.indices.info() == []


def test_an_index_made_while_the_template_is_lost_is_as_strict_as_any(real: RealSet) -> None:
    bucket = real.bucket()
    bad = head(asset())
    bad.body["surprise"] = 1  # type: ignore[typeddict-unknown-key]
    assert real.put(bucket, bad)[0].status is WriteStatus.REJECTED


def test_migrating_installs_the_template_once_and_again_when_it_changes(
    real: RealSet, cluster_settings: dict[str, str]
) -> None:
    part = ElasticsearchComponent(real.client)
    assert len(part.pending()) == 1
    assert len(part.migrate()) == 1
    assert part.pending() == part.migrate() == []
    changed = elasticsearch_client(
        cluster_settings, elasticsearch_index_prefix=real.prefix, elasticsearch_refresh_interval="2s"
    )
    assert len(ElasticsearchComponent(changed).migrate()) == 1
    assert len(part.pending()) == 1
    changed.close()


def test_two_may_migrate_at_once(real: RealSet) -> None:
    part = ElasticsearchComponent(real.client)
    failures: list[BaseException] = []

    def migrate() -> None:
        try:
            part.migrate()
        except BaseException as e:  # noqa: BLE001 - the test tells it
            failures.append(e)

    threads = [threading.Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert part.pending() == []


def test_ping_names_the_version_and_the_address_but_no_secret(cluster_settings: dict[str, str]) -> None:
    url = cluster_settings["AMP_ELASTICSEARCH_URL"]
    secret_url = url.replace("http://", "http://me:hush@")
    client = elasticsearch_client(cluster_settings, elasticsearch_url=secret_url)
    said = ElasticsearchComponent(client).ping()
    client.close()
    assert said.startswith("Elasticsearch ")
    assert url.removeprefix("http://").rstrip("/") in said
    assert "hush" not in said


def test_a_client_used_before_a_fork_works_in_both_processes_after_it(real: RealSet) -> None:
    bucket = real.bucket()
    real.store(bucket, [head(asset("there"))])
    child = os.fork()
    found = [names(real.search()) for _ in range(50)]
    if not child:
        os._exit(0 if found == [["there"]] * 50 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert found == [["there"]] * 50


@pytest.mark.parametrize("session", ["", "_local", "_only_nodes:nowhere", "ä caller, with: everything/else?&"])
def test_any_text_may_name_a_session(real: RealSet, session: str) -> None:
    bucket = real.bucket()
    one = asset("there", revision=3)
    real.store(bucket, [head(one)])
    assert names(real.search(session=session)) == ["there"]
    assert real.index.visible([one.id], session) == {one.id: 3}


def test_indices_by_the_hundred_are_refreshed_although_no_url_is_that_long(real: RealSet) -> None:
    bucket = real.bucket()
    real.put(bucket, head(asset("there")))
    real.indices.refresh([bucket.index] * 300)
    assert names(real.search()) == ["there"]


def test_counts_that_shards_could_not_agree_on_are_called_approximate(
    real: RealSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    boundary_s = NEW_YEAR_MS // 1000
    old, new = real.bucket(0, boundary_s), real.bucket(boundary_s)
    real.store(old, [head(asset(at=-1 - n, metadata={"codec": f"{n % 9}"})) for n in range(40)])
    real.store(new, [head(asset(at=n, metadata={"codec": f"{n % 11}"})) for n in range(40)])
    by_codec = (FacetOn("f", None, "codec", 2),)
    assert not real.search(facets=by_codec).facets["f"].approximate
    monkeypatch.setattr(facets, "_SHARD_SIZE", 2)
    assert real.search(facets=by_codec).facets["f"].approximate


def test_buckets_of_several_shards_count_as_the_buckets_they_are(
    real: RealSet, cluster_settings: dict[str, str]
) -> None:
    wide = elasticsearch_client(
        cluster_settings, elasticsearch_index_prefix=real.prefix, elasticsearch_shards=3, threads=1
    )
    indices = ElasticsearchBucketIndices(wide)
    for start_s in (0, 100):
        index = real.new_index(start_s)
        indices.create(index)
        indices.change_aliases(AliasChange(set_read=(ReadFilter(index, start_s * 1000, None),)))
    assert real.search(buckets=2).total == 0
    lost = indices.info()[0].index
    indices.drop(lost)
    with pytest.raises(SearchUnavailable, match="1 of 2 buckets"):
        real.search(buckets=2)
    wide.close()
