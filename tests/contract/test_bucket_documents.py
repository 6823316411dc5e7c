"""What reading and writing the raw documents of one bucket keeps, in both profiles: pages, marks, copies, sums."""

from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from pathlib import Path

import orjson
import pytest

from amp.domain.assets import State
from amp.domain.documents import Position
from amp.errors import NotFound
from amp.ports.bucket_documents import BucketDocuments, RawDocument, TimeRange
from amp.ports.bucket_indices import AliasChange
from tests.support.search.bucket_documents import ALL, history, ids, order, walk
from tests.support.search.profiles import (
    NEW_YEAR_MS,
    SEARCH_PROFILES,
    SearchProfile,
    asset,
    head,
    make_search_profile,  # noqa: F401 - the fixture `search_profile`
    open_search_profile,
    superseded,
)

DAY_MS = 24 * 3600 * 1000


@pytest.fixture(name="wide_profile", params=SEARCH_PROFILES)
def make_wide_profile(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SearchProfile]:
    """Its indices have two shards where there are shards."""
    with open_search_profile(request, tmp_path, shards=2) as opened:
        yield opened


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


def test_a_position_has_its_place_and_can_be_kept_as_json(search_profile: SearchProfile) -> None:
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
