"""What copies and deletes of the raw documents of a bucket keep, in both profiles."""

from dataclasses import replace

from amp.domain.assets import State
from amp.domain.buckets import Bucket
from amp.domain.criteria import Criteria, EntryMatches, OneOf, SortBy, TextMatches
from amp.domain.types import FieldType
from amp.ports.bucket_indices import AliasChange, ReadFilter
from amp.ports.search_index import Put, WriteStatus
from tests.support.search.bucket_documents import ALL, history, walk, written
from tests.support.search.profiles import (
    SearchProfile,
    asset,
    head,
    make_search_profile,  # noqa: F401 - the fixture `search_profile`
    names,
)


def copy(search_profile: SearchProfile, source: Bucket, target: Bucket, *, limit: int = 3) -> None:
    for document in walk(search_profile, source.index, limit=limit):
        (result,) = search_profile.documents.put(target.write_alias, [document])
        assert result.status is WriteStatus.DONE
    search_profile.indices.refresh([target.index])


QUERIES: dict[str, tuple[Criteria, ...]] = {
    "a string": (EntryMatches("codec", FieldType.STRING, (OneOf(("h264",)),)),),
    "a long": (EntryMatches("takes", FieldType.LONG, (OneOf((2,)),)),),
    "a double": (EntryMatches("gain", FieldType.DOUBLE, (OneOf((0.1,)),)),),
    "a word of a name": (TextMatches(("cut",)),),
    "a word of a text": (TextMatches(("b",)),),
    "everything": (),
}


def test_searches_find_the_same_after_the_copy_and_the_switch(search_profile: SearchProfile) -> None:
    source, target = search_profile.bucket(), search_profile.empty_bucket()
    odd = asset(
        'quo"te \\ \u2028 é 日本 🎬', metadata={"gain": 1e300, "cameraId": 2**63 - 1, "shot": "2026-01-02T03:04:05Z"}
    )
    search_profile.store(source, [*history(0), *history(5), head(odd)])

    def answers() -> dict[tuple[str, bool], object]:
        by_gain = (SortBy(root=None, key="gain", descending=True),)
        return {
            (name, all_versions): search_profile.search(*criteria, all_versions=all_versions, sort=by_gain)
            for name, criteria in QUERIES.items()
            for all_versions in (False, True)
        }

    before, infos = answers(), search_profile.indices.info()
    copy(search_profile, source, target)
    switch = AliasChange(set_read=(ReadFilter(target.index, 0, None),), remove_read=(source.index,))
    assert search_profile.indices.change_aliases(switch)
    assert answers() == before
    assert walk(search_profile, target.index) == walk(search_profile, source.index)
    assert search_profile.documents_in(target.index) == next(i.documents for i in infos if i.index == source.index)


def test_a_copied_tombstone_keeps_late_writes_out(search_profile: SearchProfile) -> None:
    source, target = search_profile.bucket(), search_profile.empty_bucket()
    gone = asset("gone", revision=4, state=State.DELETED)
    search_profile.store(source, [head(gone)])
    copy(search_profile, source, target)
    late = replace(gone, state=State.ACTIVE, revision=3)
    assert written(search_profile.put(target, head(late))) == [WriteStatus.SUPERSEDED]
    assert search_profile.documents_in(target.index) == 0


def test_a_copied_document_is_replaced_whole_by_a_newer_one(search_profile: SearchProfile) -> None:
    source, target = search_profile.empty_bucket(), search_profile.bucket()
    first = asset("first cut", metadata={"codec": "h264"}, labels=["red"])
    search_profile.store(source, [head(first)])
    copy(search_profile, source, target)
    search_profile.store(target, [head(asset("next", asset_id=first.id, revision=2))])
    assert names(search_profile.search()) == ["next"]
    assert search_profile.search(TextMatches(("cut",))).total == 0
    assert search_profile.search(EntryMatches("codec", FieldType.STRING, (OneOf(("h264",)),))).total == 0


def test_a_copy_overwrites_nothing_newer(search_profile: SearchProfile) -> None:
    source, target = search_profile.empty_bucket(), search_profile.bucket()
    made = [asset(str(n), at=n, revision=2) for n in range(3)]
    search_profile.store(source, [head(one) for one in made])
    search_profile.store(target, [head(replace(made[n], name="live", revision=n + 1)) for n in range(3)])
    results = search_profile.documents.put(target.write_alias, walk(search_profile, source.index))
    assert written(results) == [WriteStatus.DONE, WriteStatus.DONE, WriteStatus.SUPERSEDED]
    search_profile.indices.refresh([target.index])
    assert names(search_profile.search()) == ["live", "1", "0"]
    assert search_profile.documents.revisions(target.index, [str(one.id) for one in made]) == {
        str(made[0].id): 2,
        str(made[1].id): 2,
        str(made[2].id): 3,
    }


def test_a_delete_removes_what_is_no_newer_and_is_done_where_nothing_is(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    made = [asset(str(n), at=n, revision=2) for n in range(4)]
    search_profile.store(bucket, [head(one) for one in made])
    seen = walk(search_profile, bucket.index, bodies=False)
    search_profile.store(bucket, [head(replace(made[0], revision=3))])
    assert search_profile.documents.delete(bucket.write_alias, seen[1:2])[0].status is WriteStatus.DONE
    assert written(search_profile.documents.delete(bucket.write_alias, seen)) == [
        WriteStatus.SUPERSEDED,
        *[WriteStatus.DONE] * 3,
    ]
    search_profile.indices.refresh([bucket.index])
    assert names(search_profile.search()) == ["0"]
    assert search_profile.documents_in(bucket.index) == search_profile.documents.count(bucket.index, ALL) == 1


def test_what_was_removed_a_moment_ago_does_not_come_back_older(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    made = [asset(str(n), at=n, revision=2) for n in range(2)]
    search_profile.store(bucket, [head(made[0])])
    [there] = walk(search_profile, bucket.index)
    missing = replace(there, position=replace(there.position, doc_id=str(made[1].id)))
    removed = [replace(one, position=replace(one.position, revision=5)) for one in (there, missing)]
    assert written(search_profile.documents.delete(bucket.write_alias, removed)) == [WriteStatus.DONE] * 2
    # Whoever read them before comes with them now: an index worker, or a move.
    assert search_profile.documents.put(bucket.write_alias, [there])[0].status is WriteStatus.SUPERSEDED
    late = [Put(bucket.write_alias, head(one)) for one in made]
    assert written(search_profile.index.put(late)) == [WriteStatus.SUPERSEDED] * 2
    again = [Put(bucket.write_alias, head(replace(one, revision=6))) for one in made]
    assert written(search_profile.index.put(again)) == [WriteStatus.DONE] * 2


def test_a_stale_alias_refuses_copies_and_deletes_and_nothing_is_made(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    search_profile.store(bucket, [head(asset("there"))])
    found = walk(search_profile, bucket.index)
    for change in (search_profile.documents.put, search_profile.documents.delete):
        assert written(change(f"{bucket.index}-w9", found * 2)) == [WriteStatus.STALE] * 2
    assert [info.index for info in search_profile.indices.info()] == [bucket.index]
    assert names(search_profile.search()) == ["there"]


def test_a_blocked_index_takes_neither_copies_nor_deletes(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    search_profile.store(bucket, [head(asset("there"))])
    found = walk(search_profile, bucket.index)
    search_profile.indices.block(bucket.index)
    for change in (search_profile.documents.put, search_profile.documents.delete):
        assert written(change(bucket.write_alias, found)) == [WriteStatus.BUSY]
    search_profile.indices.unblock(bucket.index)
    for change in (search_profile.documents.put, search_profile.documents.delete):
        assert written(change(bucket.write_alias, found)) == [WriteStatus.DONE]


def test_writing_nothing_gives_nothing(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    assert search_profile.documents.put(bucket.write_alias, []) == []
    assert search_profile.documents.delete(bucket.write_alias, []) == []
    assert search_profile.documents.revisions(bucket.index, []) == {}


def test_a_body_that_is_no_document_is_rejected_and_keeps_no_other_out(search_profile: SearchProfile) -> None:
    source, target = search_profile.empty_bucket(), search_profile.bucket()
    search_profile.store(source, [head(asset(name, at=at)) for at, name in enumerate(("good", "bad", "fine"))])
    good, bad, fine = walk(search_profile, source.index)
    results = search_profile.documents.put(target.write_alias, [good, replace(bad, body=b'{"colour":"red"}'), fine])
    assert written(results) == [WriteStatus.DONE, WriteStatus.REJECTED, WriteStatus.DONE]
    assert results[1].reason
