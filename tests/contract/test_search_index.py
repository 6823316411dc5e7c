"""What writing to a search index keeps, on both sets: fenced writes, external revisions, tombstones, visibility."""

import orjson
import pytest

from amp.domain.assets import State, asset_json
from amp.domain.criteria import EntryExists, EntryMatches, OneOf
from amp.domain.documents import dropped_document
from amp.domain.types import FieldType
from amp.errors import SearchUnavailable
from amp.ports.search_index import Put, WriteStatus
from tests.contract.search_sets import (
    NEW_YEAR_MS,
    SearchSet,
    asset,
    head,
    make_search_set,  # noqa: F401 - the fixture `search_set`
    names,
    superseded,
)

NEW_YEAR_S = NEW_YEAR_MS // 1000


def test_a_document_is_found_with_exactly_the_source_it_was_put_with(search_set: SearchSet) -> None:
    bucket = search_set.bucket()
    odd = asset('quo"te \\ \u2028 \x7f é 日本 🎬 </script> \n', metadata={"gain": 1e300, "cameraId": 2**63 - 1})
    search_set.store(bucket, [head(odd)])
    (hit,) = search_set.search().hits
    assert hit.source == orjson.dumps(asset_json(odd))


def test_put_gives_one_result_per_put_in_order(search_set: SearchSet) -> None:
    bucket, blocked = search_set.bucket(0, NEW_YEAR_S), search_set.bucket(NEW_YEAR_S)
    known = asset("known", revision=5)
    search_set.put(bucket, head(known))
    search_set.indices.block(blocked.index)
    results = search_set.index.put(
        [
            Put(bucket.write_alias, head(asset("new"))),
            Put(bucket.write_alias, head(asset("older", asset_id=known.id, revision=4))),
            Put(f"{bucket.index}-w99", head(asset("stale"))),
            Put(blocked.write_alias, head(asset("blocked"))),
            Put(bucket.write_alias, head(asset("last"))),
        ]
    )
    assert [result.status for result in results] == [
        WriteStatus.DONE,
        WriteStatus.SUPERSEDED,
        WriteStatus.STALE,
        WriteStatus.BUSY,
        WriteStatus.DONE,
    ]


def test_putting_nothing_gives_nothing(search_set: SearchSet) -> None:
    assert search_set.index.put([]) == []


def test_a_document_that_does_not_fit_is_rejected_with_a_reason_and_the_others_are_written(
    search_set: SearchSet,
) -> None:
    bucket = search_set.bucket()
    bad = head(asset("bad"))
    bad.body["colour"] = "red"  # type: ignore[typeddict-unknown-key]
    results = search_set.put(bucket, head(asset("good")), bad, head(asset("fine")))
    assert [result.status for result in results] == [WriteStatus.DONE, WriteStatus.REJECTED, WriteStatus.DONE]
    assert "colour" in results[1].reason


@pytest.mark.parametrize("revision", [3, 4])
def test_an_equal_or_newer_revision_overwrites(search_set: SearchSet, revision: int) -> None:
    bucket = search_set.bucket()
    first = asset("before", revision=3)
    search_set.store(bucket, [head(first)])
    search_set.store(bucket, [head(asset("after", asset_id=first.id, revision=revision))])
    assert names(search_set.search()) == ["after"]


def test_an_older_revision_is_superseded_and_changes_nothing(search_set: SearchSet) -> None:
    bucket = search_set.bucket()
    newer = asset("newer", revision=3)
    search_set.store(bucket, [head(newer)])
    (result,) = search_set.put(bucket, head(asset("older", asset_id=newer.id, revision=2)))
    search_set.indices.refresh([bucket.index])
    assert result.status is WriteStatus.SUPERSEDED
    assert names(search_set.search()) == ["newer"]


def test_no_index_is_written_by_its_own_name(search_set: SearchSet) -> None:
    bucket = search_set.bucket()
    assert search_set.put(bucket.index, head(asset()))[0].status is WriteStatus.STALE
    assert search_set.put(search_set.new_index(), head(asset()))[0].status is WriteStatus.STALE
    assert [info.index for info in search_set.indices.info()] == [bucket.index]


def test_a_tombstone_hides_the_asset_and_keeps_late_writes_out(search_set: SearchSet) -> None:
    bucket = search_set.bucket()
    alive = asset("alive", revision=2, metadata={"codec": "h264"})
    search_set.store(bucket, [head(alive)])
    search_set.store(bucket, [head(asset("alive", asset_id=alive.id, revision=3, state=State.DELETED))])
    assert search_set.put(bucket, head(alive))[0].status is WriteStatus.SUPERSEDED
    search_set.indices.refresh([bucket.index])
    assert search_set.search().total == 0
    assert search_set.search(EntryExists("codec"), all_versions=True).total == 0
    assert search_set.index.visible([alive.id], "s") == {}


def test_a_restored_asset_is_found_again(search_set: SearchSet) -> None:
    bucket = search_set.bucket()
    gone = asset("gone", revision=2, state=State.DELETED)
    search_set.store(bucket, [head(gone)])
    search_set.store(bucket, [head(asset("back", asset_id=gone.id, revision=3))])
    assert names(search_set.search()) == ["back"]


def test_superseded_versions_are_found_only_when_all_versions_are_asked_for(search_set: SearchSet) -> None:
    bucket = search_set.bucket()
    first = asset("v1", metadata={"codec": "old"})
    second = asset("v2", asset_id=first.id, version=2, revision=2, metadata={"codec": "new"})
    third = asset("v3", asset_id=first.id, version=3, revision=3, metadata={"codec": "newer"})
    search_set.store(bucket, [head(third), superseded(third, first), superseded(third, second)])
    assert names(search_set.search()) == ["v3"]
    assert search_set.search(EntryMatches("codec", FieldType.STRING, (OneOf(("old",)),))).total == 0
    assert names(search_set.search(all_versions=True)) == ["v3", "v2", "v1"], "the newest version first"
    old = search_set.search(EntryMatches("codec", FieldType.STRING, (OneOf(("old",)),)), all_versions=True)
    assert names(old) == ["v1"]


def test_a_dropped_version_is_not_found_any_more(search_set: SearchSet) -> None:
    bucket = search_set.bucket()
    first = asset("v1")
    second = asset("v2", asset_id=first.id, version=2, revision=2)
    search_set.store(bucket, [head(second), superseded(second, first)])
    third = asset("v3", asset_id=first.id, version=3, revision=3)
    search_set.store(bucket, [head(third), superseded(third, second), dropped_document(third, 1)])
    assert names(search_set.search(all_versions=True)) == ["v3", "v2"]


def test_visible_tells_the_revision_of_each_head_and_leaves_out_what_no_search_sees(search_set: SearchSet) -> None:
    bucket, other = search_set.bucket(0, NEW_YEAR_S), search_set.bucket(NEW_YEAR_S)
    first = asset("v1")
    second = asset("v2", asset_id=first.id, version=2, revision=7)
    misplaced, missing = asset("misplaced", at=-5), asset("missing")
    search_set.store(other, [head(second), superseded(second, first), head(misplaced)])
    early = asset("early", at=-1, revision=3)
    search_set.store(bucket, [head(early)])
    seen = search_set.index.visible([first.id, early.id, misplaced.id, missing.id], "a caller")
    assert seen == {first.id: 7, early.id: 3}
    assert search_set.index.visible([], "a caller") == {}


def test_visible_takes_thousands_of_ids(search_set: SearchSet) -> None:
    bucket = search_set.bucket()
    made = [asset(str(n), at=n) for n in range(2_500)]
    search_set.store(bucket, [head(one) for one in made])
    assert search_set.index.visible([one.id for one in made], "") == {one.id: 1 for one in made}


def test_a_search_that_must_cover_more_buckets_than_are_there_is_refused(search_set: SearchSet) -> None:
    lost, bucket = search_set.bucket(0, NEW_YEAR_S), search_set.bucket(NEW_YEAR_S)
    search_set.store(bucket, [head(asset("there"))])
    assert names(search_set.search(buckets=2)) == ["there"]
    search_set.indices.drop(lost.index)
    with pytest.raises(SearchUnavailable):
        search_set.search(buckets=2)
    assert names(search_set.search(buckets=1)) == ["there"]


def test_the_longest_values_allowed_are_written_and_found(search_set: SearchSet) -> None:
    bucket = search_set.bucket()
    long_value, long_text = "é" * 4096, "word " * 6_500
    made = asset(
        "n" * 1024,
        external_id="e" * 1024,
        labels=["l" * 1024],
        metadata={"codec": long_value, "synopsis": long_text, "tags": tuple(f"{n:04d}" * 20 for n in range(998))},
    )
    search_set.store(bucket, [head(made)])
    for criteria in (
        EntryMatches("codec", FieldType.STRING, (OneOf((long_value,)),)),
        EntryMatches("tags", FieldType.STRING, (OneOf(("0997" * 20,)),)),
    ):
        assert search_set.search(criteria).total == 1


def test_a_put_larger_than_one_request_is_written_whole(search_set: SearchSet) -> None:
    bucket = search_set.bucket()
    many = [asset(str(n), at=n, metadata={"synopsis": f"{n} " + "a" * 30_000}) for n in range(400)]
    assert sum(len(head(one).body["source"]) for one in many) > 10 * 1024 * 1024
    search_set.store(bucket, [head(one) for one in many])
    assert search_set.search().total == 400


def test_written_tells_the_last_revision_tombstones_included_before_any_search_sees_it(search_set: SearchSet) -> None:
    bucket = search_set.bucket()
    alive, gone, missing, lost = asset(revision=3), asset(revision=5, state=State.DELETED), asset(), asset(revision=2)
    search_set.put(bucket, head(alive), head(gone))
    search_set.put(bucket, head(lost))
    places = {one.id: bucket.write_alias for one in (alive, gone, missing)}
    assert search_set.index.written(places | {lost.id: "no-such-alias"}) == {alive.id: 3, gone.id: 5}
    assert search_set.index.written({}) == {}
