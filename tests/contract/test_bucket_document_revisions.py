"""The revisions, slices and medians of the raw documents of a bucket, in both profiles."""

import pytest

from amp.domain.assets import Asset, State
from amp.ports.bucket_documents import SliceTotals, TimeRange
from tests.support.search.bucket_documents import ALL, walk
from tests.support.search.profiles import (
    NEW_YEAR_MS,
    SearchProfile,
    asset,
    head,
    make_search_profile,  # noqa: F401 - the fixture `search_profile`
    superseded,
)


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
