"""What writing to a search index keeps, in both profiles: fenced writes, external revisions, tombstones, visibility."""

import orjson
import pytest

from amp.domain.assets import State, asset_json
from amp.domain.criteria import EntryExists, EntryMatches, OneOf
from amp.domain.documents import dropped_document
from amp.domain.types import FieldType
from amp.errors import SearchUnavailable
from amp.ports.search_index import Put, WriteStatus
from tests.support.search.profiles import (
    NEW_YEAR_MS,
    SearchProfile,
    asset,
    head,
    make_search_profile,  # noqa: F401 - the fixture `search_profile`
    names,
    superseded,
)

NEW_YEAR_S = NEW_YEAR_MS // 1000


def test_a_document_is_found_with_exactly_the_source_it_was_put_with(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    odd = asset('quo"te \\ \u2028 \x7f é 日本 🎬 </script> \n', metadata={"gain": 1e300, "cameraId": 2**63 - 1})
    search_profile.store(bucket, [head(odd)])
    (hit,) = search_profile.search().hits
    assert hit.source == orjson.dumps(asset_json(odd))


def test_put_gives_one_result_per_put_in_order(search_profile: SearchProfile) -> None:
    bucket, blocked = search_profile.bucket(0, NEW_YEAR_S), search_profile.bucket(NEW_YEAR_S)
    known = asset("known", revision=5)
    search_profile.put(bucket, head(known))
    search_profile.indices.block(blocked.index)
    results = search_profile.index.put(
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


def test_putting_nothing_gives_nothing(search_profile: SearchProfile) -> None:
    assert search_profile.index.put([]) == []


def test_a_bad_document_is_rejected_with_a_reason_alone(
    search_profile: SearchProfile,
) -> None:
    bucket = search_profile.bucket()
    bad = head(asset("bad"))
    bad.body["colour"] = "red"  # type: ignore[typeddict-unknown-key]
    results = search_profile.put(bucket, head(asset("good")), bad, head(asset("fine")))
    assert [result.status for result in results] == [WriteStatus.DONE, WriteStatus.REJECTED, WriteStatus.DONE]
    assert "colour" in results[1].reason


@pytest.mark.parametrize("revision", [3, 4])
def test_an_equal_or_newer_revision_overwrites(search_profile: SearchProfile, revision: int) -> None:
    bucket = search_profile.bucket()
    first = asset("before", revision=3)
    search_profile.store(bucket, [head(first)])
    search_profile.store(bucket, [head(asset("after", asset_id=first.id, revision=revision))])
    assert names(search_profile.search()) == ["after"]


def test_an_older_revision_is_superseded_and_changes_nothing(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    newer = asset("newer", revision=3)
    search_profile.store(bucket, [head(newer)])
    (result,) = search_profile.put(bucket, head(asset("older", asset_id=newer.id, revision=2)))
    search_profile.indices.refresh([bucket.index])
    assert result.status is WriteStatus.SUPERSEDED
    assert names(search_profile.search()) == ["newer"]


def test_no_index_is_written_by_its_own_name(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    assert search_profile.put(bucket.index, head(asset()))[0].status is WriteStatus.STALE
    assert search_profile.put(search_profile.new_index(), head(asset()))[0].status is WriteStatus.STALE
    assert [info.index for info in search_profile.indices.info()] == [bucket.index]


def test_a_tombstone_hides_the_asset_and_keeps_late_writes_out(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    alive = asset("alive", revision=2, metadata={"codec": "h264"})
    search_profile.store(bucket, [head(alive)])
    search_profile.store(bucket, [head(asset("alive", asset_id=alive.id, revision=3, state=State.DELETED))])
    assert search_profile.put(bucket, head(alive))[0].status is WriteStatus.SUPERSEDED
    search_profile.indices.refresh([bucket.index])
    assert search_profile.search().total == 0
    assert search_profile.search(EntryExists("codec"), all_versions=True).total == 0
    assert search_profile.index.visible([alive.id], "s") == {}


def test_a_restored_asset_is_found_again(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    gone = asset("gone", revision=2, state=State.DELETED)
    search_profile.store(bucket, [head(gone)])
    search_profile.store(bucket, [head(asset("back", asset_id=gone.id, revision=3))])
    assert names(search_profile.search()) == ["back"]


def test_superseded_versions_are_found_only_if_all_are_asked_for(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    first = asset("v1", metadata={"codec": "old"})
    second = asset("v2", asset_id=first.id, version=2, revision=2, metadata={"codec": "new"})
    third = asset("v3", asset_id=first.id, version=3, revision=3, metadata={"codec": "newer"})
    search_profile.store(bucket, [head(third), superseded(third, first), superseded(third, second)])
    assert names(search_profile.search()) == ["v3"]
    assert search_profile.search(EntryMatches("codec", FieldType.STRING, (OneOf(("old",)),))).total == 0
    assert names(search_profile.search(all_versions=True)) == ["v3", "v2", "v1"], "the newest version first"
    old = search_profile.search(EntryMatches("codec", FieldType.STRING, (OneOf(("old",)),)), all_versions=True)
    assert names(old) == ["v1"]


def test_a_dropped_version_is_not_found_any_more(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    first = asset("v1")
    second = asset("v2", asset_id=first.id, version=2, revision=2)
    search_profile.store(bucket, [head(second), superseded(second, first)])
    third = asset("v3", asset_id=first.id, version=3, revision=3)
    search_profile.store(bucket, [head(third), superseded(third, second), dropped_document(third, 1)])
    assert names(search_profile.search(all_versions=True)) == ["v3", "v2"]


def test_visible_has_the_revision_of_each_head_that_searches_see(
    search_profile: SearchProfile,
) -> None:
    bucket, other = search_profile.bucket(0, NEW_YEAR_S), search_profile.bucket(NEW_YEAR_S)
    first = asset("v1")
    second = asset("v2", asset_id=first.id, version=2, revision=7)
    misplaced, missing = asset("misplaced", at=-5), asset("missing")
    search_profile.store(other, [head(second), superseded(second, first), head(misplaced)])
    early = asset("early", at=-1, revision=3)
    search_profile.store(bucket, [head(early)])
    seen = search_profile.index.visible([first.id, early.id, misplaced.id, missing.id], "a caller")
    assert seen == {first.id: 7, early.id: 3}
    assert search_profile.index.visible([], "a caller") == {}


def test_visible_takes_thousands_of_ids(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    made = [asset(str(n), at=n) for n in range(2_500)]
    search_profile.store(bucket, [head(one) for one in made])
    assert search_profile.index.visible([one.id for one in made], "") == {one.id: 1 for one in made}


def test_a_search_that_must_cover_more_buckets_than_are_there_is_refused(search_profile: SearchProfile) -> None:
    lost, bucket = search_profile.bucket(0, NEW_YEAR_S), search_profile.bucket(NEW_YEAR_S)
    search_profile.store(bucket, [head(asset("there"))])
    assert names(search_profile.search(buckets=2)) == ["there"]
    search_profile.indices.drop(lost.index)
    with pytest.raises(SearchUnavailable):
        search_profile.search(buckets=2)
    assert names(search_profile.search(buckets=1)) == ["there"]


def test_the_longest_values_allowed_are_written_and_found(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    long_value, long_text = "é" * 4096, "word " * 6_500
    made = asset(
        "n" * 1024,
        external_id="e" * 1024,
        labels=["l" * 1024],
        metadata={"codec": long_value, "synopsis": long_text, "tags": tuple(f"{n:04d}" * 20 for n in range(998))},
    )
    search_profile.store(bucket, [head(made)])
    for criteria in (
        EntryMatches("codec", FieldType.STRING, (OneOf((long_value,)),)),
        EntryMatches("tags", FieldType.STRING, (OneOf(("0997" * 20,)),)),
    ):
        assert search_profile.search(criteria).total == 1


def test_a_put_larger_than_one_request_is_written_whole(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    many = [asset(str(n), at=n, metadata={"synopsis": f"{n} " + "a" * 30_000}) for n in range(400)]
    assert sum(len(head(one).body["source"]) for one in many) > 10 * 1024 * 1024
    search_profile.store(bucket, [head(one) for one in many])
    assert search_profile.search().total == 400


def test_written_has_the_last_revision_and_tombstones_before_a_refresh(
    search_profile: SearchProfile,
) -> None:
    bucket = search_profile.bucket()
    alive, gone, missing, lost = asset(revision=3), asset(revision=5, state=State.DELETED), asset(), asset(revision=2)
    search_profile.put(bucket, head(alive), head(gone))
    search_profile.put(bucket, head(lost))
    places = {one.id: bucket.write_alias for one in (alive, gone, missing)}
    assert search_profile.index.written(places | {lost.id: "no-such-alias"}) == {alive.id: 3, gone.id: 5}
    assert search_profile.index.written({}) == {}
