"""What reading large documents of a bucket keeps: pages of bounded size, of which nothing is lost or repeated."""

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from amp.domain.assets import Asset
from amp.domain.buckets import Bucket
from amp.domain.documents import IndexedDocument, head_document
from amp.ports.bucket_documents import MAX_PAGE_BYTES, RawDocument, TimeRange
from tests.support.search.profiles import SEARCH_PROFILES, TYPES, SearchProfile, asset, open_search_profile

_LARGE_BYTES = 900_000
_LARGE, _SMALL = 12, 400
#: What writes and parses JSON reserves about 10 times the size of a text, and touches little of it.
_MAX_MEMORY = 18 * MAX_PAGE_BYTES


@pytest.fixture(scope="module", name="large", params=SEARCH_PROFILES)
def make_large(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SearchProfile, Bucket, str]]:
    """Large documents after small ones, as bad as it gets for whoever goes by the sizes of the first; and a mark from
    before them. There are two shards where there are shards."""
    folder: Path = tmp_path_factory.mktemp("large")
    with open_search_profile(request, folder, shards=2) as opened:
        bucket = opened.bucket()
        mark = opened.documents.mark(bucket.index)
        small = [_document(asset(f"small {n}", at=n), 100) for n in range(_SMALL)]
        large = [_document(asset(f"large {n}", at=1_000 + n), _LARGE_BYTES) for n in range(_LARGE)]
        for some in (small, large[:6], large[6:]):
            opened.store(bucket, some)
        yield opened, bucket, mark


def _document(made: Asset, size: int) -> IndexedDocument:
    # Quotes take twice as much room in the JSON around them.
    return head_document(made, TYPES[made.type], orjson.dumps({"name": made.name, "filling": '"x' * (size // 3)}))


def _bare(search_profile: SearchProfile, bucket: Bucket) -> list[RawDocument]:
    return search_profile.documents.page(bucket.index, TimeRange(0), limit=1_000, bodies=False)


def _pages(search_profile: SearchProfile, bucket: Bucket, since: str | None = None) -> Iterator[list[RawDocument]]:
    after = None
    while page := search_profile.documents.page(bucket.index, TimeRange(0), after=after, since=since, limit=1_000):
        yield page
        after = page[-1].position


_Read = Callable[[SearchProfile, Bucket, str], Iterator[list[RawDocument]]]
_READS: dict[str, _Read] = {
    "a range": lambda search_profile, bucket, _: _pages(search_profile, bucket),
    "a range since a mark": _pages,
    "documents": lambda search_profile, bucket, _: search_profile.documents.with_bodies(
        bucket.index, _bare(search_profile, bucket)
    ),
}


@pytest.mark.parametrize("read", _READS)
def test_pages_of_large_documents_are_small_and_lose_nothing(
    large: tuple[SearchProfile, Bucket, str], read: str
) -> None:
    search_profile, bucket, mark = large
    bare = _bare(search_profile, bucket)
    assert len(bare) == _SMALL + _LARGE
    found: list[RawDocument] = []
    tracemalloc.start()
    try:
        for page in _READS[read](search_profile, bucket, mark):
            shards = 2 if read == "a range since a mark" else 1
            assert sum(len(document.body) for document in page) < (MAX_PAGE_BYTES + 2 * _LARGE_BYTES) * shards
            assert all(document.body for document in page)
            found += [RawDocument(document.position) for document in page]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == bare
    assert peak < _MAX_MEMORY


def test_all_that_is_asked_for_of_small_documents_comes_at_once(
    search_set_of_small: tuple[SearchProfile, Bucket],
) -> None:
    search_profile, bucket = search_set_of_small
    [page] = _pages(search_profile, bucket)
    assert len(page) == _SMALL


@pytest.fixture(params=SEARCH_PROFILES)
def search_set_of_small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SearchProfile, Bucket]]:
    with open_search_profile(request, tmp_path) as opened:
        bucket = opened.bucket()
        opened.store(bucket, [_document(asset(f"small {n}", at=n), 100) for n in range(_SMALL)])
        yield opened, bucket
