"""What reading and writing the raw documents of one bucket keeps, in both profiles: pages, marks, copies, sums."""

from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from pathlib import Path

import orjson
import pytest

from amp.domain.assets import Asset, State
from amp.domain.buckets import Bucket
from amp.domain.criteria import Criteria, EntryMatches, OneOf, SortBy, TextMatches
from amp.domain.documents import IndexedDocument
from amp.domain.types import FieldType
from amp.errors import NotFound
from amp.ports.bucket_documents import BucketDocuments, Position, RawDocument, SliceTotals, TimeRange
from amp.ports.bucket_indices import AliasChange, ReadFilter
from amp.ports.search_index import Put, WriteStatus
from tests.support.search_profiles import (
    NEW_YEAR_MS,
    SEARCH_PROFILES,
    SearchProfile,
    asset,
    head,
    make_search_profile,  # noqa: F401 - the fixture `search_profile`
    names,
    open_search_profile,
    superseded,
)

ALL = TimeRange(0)
DAY_MS = 24 * 3600 * 1000


@pytest.fixture(name="wide_profile", params=SEARCH_PROFILES)
def make_wide_profile(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SearchProfile]:
    """Its indices have two shards where there are shards."""
    with open_search_profile(request, tmp_path, shards=2) as opened:
        yield opened


def walk(
    search_profile: SearchProfile, index: str, of: TimeRange = ALL, *, limit: int = 100, **how: object
) -> list[RawDocument]:
    """All documents of the range, page by page."""
    found: list[RawDocument] = []
    while True:
        after = found[-1].position if found else None
        page = search_profile.documents.page(index, of, after=after, limit=limit, **how)  # type: ignore[arg-type]
        found += page
        if not page:
            return found


def ids(documents: list[RawDocument]) -> list[str]:
    return [document.doc_id for document in documents]


def written(results: list[object]) -> list[WriteStatus]:
    return [result.status for result in results]  # type: ignore[attr-defined]


def history(at: int) -> list[IndexedDocument]:
    """An asset with two superseded versions, and one that is deleted, made in the same millisecond."""
    first = asset("first cut", at=at, metadata={"codec": "h264", "takes": (1, 2, 2)}, labels=["red", "raw"])
    second = replace(asset("second cut", at=at, metadata={"synopsis": "a b a"}), id=first.id, version=2, revision=2)
    third = asset("third cut", asset_id=first.id, version=3, revision=5, metadata={"gain": 0.1, "live": True})
    gone = asset("gone", at=at, revision=4, state=State.DELETED)
    return [head(third), superseded(third, first), superseded(third, second), head(gone)]


def order(document: IndexedDocument) -> tuple[int, str, int, int]:
    body = document.body
    return body["created_ms"], body["asset_id"], body["version"], document.revision


@pytest.mark.parametrize("limit", [1, 3, 8, 100])
def test_paging_to_the_end_gives_each_document_once_in_order(search_profile: SearchProfile, limit: int) -> None:
    bucket = search_profile.bucket()
    made = [document for at in (30, 0, 0, 10) for document in history(at)]
    made += [head(asset(str(n), at=10)) for n in range(5)]
    search_profile.store(bucket, made)
    found = walk(search_profile, bucket.index, limit=limit)
    assert [(d.doc_id, d.revision) for d in found] == [(d.doc_id, d.revision) for d in sorted(made, key=order)]


def test_a_superseded_version_and_a_head_of_it_are_two_documents(
    search_profile: SearchProfile,
) -> None:
    bucket = search_profile.bucket()
    first = asset("first")
    second = asset("second", asset_id=first.id, version=2, revision=2)
    search_profile.store(bucket, [head(first), superseded(second, first)])
    assert ids(walk(search_profile, bucket.index, limit=1)) == [str(first.id), f"{first.id}:1"]


def test_a_position_tells_its_place_and_can_be_kept_as_json(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    made = [asset(str(n), at=n, version=n + 1, revision=n + 3) for n in range(3)]
    search_profile.store(bucket, [head(one) for one in made])
    first, second, third = search_profile.documents.page(bucket.index, ALL, limit=10)
    assert second.position == Position(NEW_YEAR_MS + 1, str(made[1].id), 2, 4)
    kept = Position(*orjson.loads(orjson.dumps(astuple(first.position))))
    assert search_profile.documents.page(bucket.index, ALL, after=kept, limit=10) == [second, third]


def test_a_range_has_its_start_and_not_its_end(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    made = [asset(str(n), at=n) for n in range(5)]
    search_profile.store(bucket, [head(one) for one in made])
    some = TimeRange(NEW_YEAR_MS + 1, NEW_YEAR_MS + 3)
    found = [str(made[1].id), str(made[2].id)]
    assert ids(walk(search_profile, bucket.index, some)) == found
    assert (
        ids(walk(search_profile, bucket.index, some, limit=1, since="[-1]" if _sharded(search_profile) else "0"))
        == found
    )
    assert search_profile.documents.count(bucket.index, some) == 2
    assert search_profile.documents.count(bucket.index, TimeRange(NEW_YEAR_MS + 1)) == 4


def _sharded(search_profile: SearchProfile) -> bool:
    return search_profile.prefix != "amp"


def test_a_page_without_bodies_is_otherwise_the_same(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    search_profile.store(bucket, history(0))
    with_bodies = search_profile.documents.page(bucket.index, ALL, limit=10)
    assert all(document.body for document in with_bodies)
    bare = search_profile.documents.page(bucket.index, ALL, limit=10, bodies=False)
    assert bare == [RawDocument(document.position) for document in with_bodies]


def test_pages_hold_what_was_refreshed_whether_searches_see_it_or_not(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket(0, NEW_YEAR_MS // 1000)
    misplaced = asset("misplaced", at=5)
    search_profile.store(bucket, [head(misplaced)])
    assert search_profile.search().total == 0
    search_profile.indices.change_aliases(AliasChange(remove_read=(bucket.index,)))
    search_profile.indices.block(bucket.index)
    assert ids(walk(search_profile, bucket.index)) == [str(misplaced.id)]


def test_a_mark_finds_exactly_what_was_written_after_it(
    search_profile: SearchProfile,
) -> None:
    bucket = search_profile.bucket()
    old = [asset(str(n), at=n) for n in range(20)]
    search_profile.store(bucket, [head(one) for one in old[:10]])
    search_profile.put(bucket, *(head(one) for one in old[10:]))  # not refreshed yet
    mark = search_profile.documents.mark(bucket.index)
    search_profile.indices.refresh([bucket.index])
    assert search_profile.documents.page(bucket.index, ALL, since=mark, limit=100) == []
    later = [head(asset("new", at=-1)), head(asset("gone", asset_id=old[3].id, revision=2, state=State.DELETED))]
    later += [head(replace(old[15], revision=2)), head(old[12])]
    search_profile.store(bucket, later)
    found = walk(search_profile, bucket.index, since=mark, limit=1)
    assert ids(found) == [document.doc_id for document in sorted(later, key=order)]
    assert found == walk(search_profile, bucket.index, since=mark)
    of = TimeRange(NEW_YEAR_MS, NEW_YEAR_MS + 13)
    assert ids(walk(search_profile, bucket.index, of, since=mark)) == [str(old[3].id), str(old[12].id)]


def test_a_mark_holds_when_what_was_written_last_is_gone(search_profile: SearchProfile) -> None:
    bucket, other = search_profile.bucket(), search_profile.empty_bucket()
    kept = asset("kept")
    search_profile.store(bucket, [head(kept), head(asset("last", at=1))])
    search_profile.store(other, [head(asset("other"))])
    mark = search_profile.documents.mark(bucket.index)
    search_profile.documents.delete(bucket.write_alias, walk(search_profile, bucket.index)[1:])
    search_profile.indices.drop(other.index)
    search_profile.store(bucket, [head(replace(kept, revision=2))])
    assert ids(walk(search_profile, bucket.index, since=mark)) == [str(kept.id)]


def test_pages_and_marks_cover_all_shards(wide_profile: SearchProfile) -> None:
    bucket = wide_profile.bucket()
    old = [asset(str(n), at=n % 7) for n in range(40)]
    wide_profile.store(bucket, [head(one) for one in old])
    assert ids(walk(wide_profile, bucket.index, limit=7)) == [d.doc_id for d in sorted(map(head, old), key=order)]
    mark = wide_profile.documents.mark(bucket.index)
    later = [head(asset(str(n), at=n % 5)) for n in range(30)]
    wide_profile.store(bucket, later)
    found = ids(walk(wide_profile, bucket.index, since=mark, limit=7))
    assert found == [document.doc_id for document in sorted(later, key=order)]
    (one,) = wide_profile.documents.slices(bucket.index, ALL, DAY_MS)
    assert (one.documents, one.revisions) == (70, 70)


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


def test_revisions_are_those_last_written_refreshed_or_not(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    first = asset("first")
    search_profile.store(bucket, [head(first), head(asset("removed", at=1))])
    removed = walk(search_profile, bucket.index)[1]
    second = asset("second", asset_id=first.id, version=2, revision=7)
    search_profile.put(bucket, head(second), superseded(second, first))
    search_profile.documents.delete(bucket.write_alias, [removed])
    wanted = [str(first.id), f"{first.id}:1", removed.doc_id, str(asset().id)]
    assert search_profile.documents.revisions(bucket.index, wanted) == {str(first.id): 7, f"{first.id}:1": 7}


def test_revisions_as_shown_are_those_of_the_last_refresh(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    first = asset("first")
    search_profile.store(bucket, [head(first)])
    second, unseen = asset("second", asset_id=first.id, version=2, revision=7), asset("unseen")
    search_profile.put(bucket, head(second), head(unseen))
    wanted = [str(first.id), str(unseen.id)]
    shown = search_profile.documents.revisions(bucket.index, wanted, refreshed=True)
    seen = {document.doc_id: document.revision for document in walk(search_profile, bucket.index)}
    assert shown == seen
    search_profile.indices.refresh([bucket.index])
    assert search_profile.documents.revisions(bucket.index, wanted, refreshed=True) == {
        str(first.id): 7,
        str(unseen.id): 1,
    }


def test_revisions_of_thousands_are_reported(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    made = [asset(str(n), at=n) for n in range(2_500)]
    search_profile.store(bucket, [head(one) for one in made])
    wanted = [str(one.id) for one in made]
    assert search_profile.documents.revisions(bucket.index, wanted) == dict.fromkeys(wanted, 1)


def test_slices_have_count_and_revision_sum_of_each_nonempty_part(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    made: list[Asset] = [asset(at=at, revision=at % 10 + 1) for at in (0, 1, 9, 10, 55, 56, 99, 100)]
    tombstone = asset(at=56, revision=100, state=State.DELETED)
    search_profile.store(bucket, [*map(head, made), head(tombstone)])

    def slice_(start: int, end: int, documents: int, revisions: int) -> SliceTotals:
        return SliceTotals(TimeRange(NEW_YEAR_MS + start, NEW_YEAR_MS + end), documents, revisions)

    assert NEW_YEAR_MS % 10 == 0
    slices = search_profile.documents.slices
    assert slices(bucket.index, ALL, 10) == [
        slice_(0, 10, 3, 1 + 2 + 10),
        slice_(10, 20, 1, 1),
        slice_(50, 60, 3, 6 + 7 + 100),
        slice_(90, 100, 1, 10),
        slice_(100, 110, 1, 1),
    ]
    assert slices(bucket.index, TimeRange(NEW_YEAR_MS + 1, NEW_YEAR_MS + 56), 10) == [
        slice_(1, 10, 2, 12),
        slice_(10, 20, 1, 1),
        slice_(50, 56, 1, 6),
    ]
    assert slices(bucket.index, TimeRange(NEW_YEAR_MS + 200), 10) == []


def test_the_median_parts_the_documents_in_halves(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    search_profile.store(bucket, [head(asset(at=at * 1_000)) for at in range(101)])
    middle = search_profile.documents.median_created_ms(bucket.index, ALL)
    assert middle is not None
    assert abs(middle - NEW_YEAR_MS - 50_000) <= 2_000
    some = TimeRange(NEW_YEAR_MS, NEW_YEAR_MS + 11_000)
    assert search_profile.documents.median_created_ms(bucket.index, some) == pytest.approx(
        NEW_YEAR_MS + 5_000, abs=1_000
    )
    assert search_profile.documents.median_created_ms(bucket.index, TimeRange(NEW_YEAR_MS + 10**9)) is None


@pytest.mark.parametrize("others", [(), (0,), (99_999,), (0, 99_999)])
def test_the_median_of_documents_of_one_millisecond_is_that(
    search_profile: SearchProfile, others: tuple[int, ...]
) -> None:
    bucket = search_profile.bucket()
    search_profile.store(bucket, [head(asset(at=at)) for at in [50_001] * 300 + list(others)])
    assert search_profile.documents.median_created_ms(bucket.index, ALL) == NEW_YEAR_MS + 50_001


def test_documents_are_given_with_their_bodies_in_order(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    search_profile.store(bucket, [*history(0), *history(10)])
    whole = walk(search_profile, bucket.index)
    wanted = [whole[n] for n in (6, 0, 3)]
    pages = search_profile.documents.with_bodies(bucket.index, [RawDocument(document.position) for document in wanted])
    assert [document for page in pages for document in page] == wanted


def test_documents_that_changed_since_they_were_read_are_left_out(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    made = [asset(str(n), at=n) for n in range(3)]
    search_profile.store(bucket, [head(one) for one in made])
    bare = walk(search_profile, bucket.index, bodies=False)
    search_profile.store(bucket, [head(replace(made[0], revision=2))])
    search_profile.documents.delete(bucket.write_alias, bare[1:2])
    search_profile.indices.refresh([bucket.index])
    pages = search_profile.documents.with_bodies(bucket.index, bare)
    assert [ids(page) for page in pages] == [[str(made[2].id)]]
    assert list(search_profile.documents.with_bodies(bucket.index, bare[:2])) == []


READS: dict[str, Callable[[BucketDocuments, str], object]] = {
    "mark": lambda documents, index: documents.mark(index),
    "page": lambda documents, index: documents.page(index, ALL, limit=1),
    "revisions": lambda documents, index: documents.revisions(index, ["a"]),
    "bodies": lambda documents, index: list(documents.with_bodies(index, [RawDocument(Position(0, "a", 1, 1))])),
    "slices": lambda documents, index: documents.slices(index, ALL, 1_000),
    "count": lambda documents, index: documents.count(index, ALL),
    "median": lambda documents, index: documents.median_created_ms(index, ALL),
}


@pytest.mark.parametrize("read", READS)
def test_what_is_not_there_cannot_be_read(search_profile: SearchProfile, read: str) -> None:
    with pytest.raises(NotFound):
        READS[read](search_profile.documents, search_profile.new_index())
    dropped = search_profile.bucket()
    search_profile.indices.drop(dropped.index)
    with pytest.raises(NotFound):
        READS[read](search_profile.documents, dropped.index)
