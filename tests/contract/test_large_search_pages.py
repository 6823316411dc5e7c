"""What searches keep where sources are large: pages end at `max_bytes`, and no more than that is held in memory."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from amp.domain.assets import Asset
from amp.domain.criteria import EVERYTHING, FacetOn, OneOf, RootField, RootMatches, SearchPage
from amp.domain.documents import IndexedDocument, head_document
from tests.support.search.profiles import SEARCH_PROFILES, TYPES, SearchProfile, asset, names, open_search_profile

_MIB = 1024 * 1024
_LARGE, _SMALL = 24, 150
#: The parser of Elasticsearch's answers reserves 12 times their size, and touches little of it.
_MAX_MEMORY = {"embedded": 12 * _MIB, "elasticsearch": 128 * _MIB}


@pytest.fixture(scope="module", name="large_profile", params=SEARCH_PROFILES)
def make_large_profile(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SearchProfile]:
    """Large assets after small ones, newest first: as bad as it gets for whoever goes by the sizes of the first."""
    folder: Path = tmp_path_factory.mktemp("large")
    with open_search_profile(request, folder) as opened:
        bucket = opened.bucket()
        large = [_document(asset(f"large {n}", at=n, labels=["large"]), 900_000) for n in range(_LARGE)]
        small = [_document(asset(f"small {n}", at=1_000 + n, labels=["small"]), 100) for n in range(_SMALL)]
        for some in (large[:8], large[8:16], large[16:], small):
            opened.store(bucket, some)
        yield opened


def _document(made: Asset, size: int) -> IndexedDocument:
    # Quotes take twice as much room in the JSON around them.
    return head_document(made, TYPES[made.type], orjson.dumps({"name": made.name, "filling": '"x' * (size // 3)}))


def test_a_page_ends_with_the_hit_that_brings_it_to_its_bytes(large_profile: SearchProfile) -> None:
    large = RootMatches(RootField.LABELS, (OneOf(("large",)),))
    page = large_profile.search(large, size=200, max_bytes=4 * _MIB, facets=(FacetOn("l", RootField.LABELS, None, 5),))
    assert names(page) == [f"large {n}" for n in range(23, 18, -1)]
    assert page.more
    assert (page.total, page.total_is_exact) == (24, True)
    assert page.facets["l"].values == (("large", 24),)
    ended = large_profile.search(large, size=5, max_bytes=4 * _MIB, after=page.hits[-1].sort)
    assert (len(ended.hits), ended.more) == (5, True)


def test_pages_of_small_and_large_assets_lose_and_repeat_nothing(large_profile: SearchProfile) -> None:
    found, page = [], large_profile.search(size=200, max_bytes=4 * _MIB)
    found += names(page)
    assert len(page.hits) == _SMALL + 5
    while page.more:
        page = large_profile.search(size=200, max_bytes=4 * _MIB, after=page.hits[-1].sort)
        assert len(page.hits) in (5, 0) or not page.more
        found += names(page)
    assert found == [f"small {n}" for n in range(149, -1, -1)] + [f"large {n}" for n in range(23, -1, -1)]


def test_a_page_of_exactly_the_last_hits_has_no_more(large_profile: SearchProfile) -> None:
    large = RootMatches(RootField.LABELS, (OneOf(("large",)),))
    before = large_profile.search(large, size=19, sources=False)
    page = large_profile.search(large, size=200, max_bytes=4 * _MIB, after=before.hits[-1].sort)
    assert (names(page), page.more) == ([f"large {n}" for n in range(4, -1, -1)], False)


def test_a_page_of_large_assets_takes_bounded_memory(
    large_profile: SearchProfile, request: pytest.FixtureRequest
) -> None:
    large_profile.search(size=1)
    tracemalloc.start()
    try:
        page: SearchPage = large_profile.search(size=200, max_bytes=4 * _MIB)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(page.hits) == _SMALL + 5
    assert peak < _MAX_MEMORY[request.node.callspec.params["large_profile"]]


def test_hits_without_sources_are_found_whole(large_profile: SearchProfile) -> None:
    page = large_profile.search(EVERYTHING, size=250, max_bytes=4 * _MIB, sources=False)
    assert (len(page.hits), page.more) == (_SMALL + _LARGE, False)
    assert {hit.source for hit in page.hits} == {b""}
