"""What every condition finds, in both profiles, in one small library of assets of three types."""

from collections.abc import Iterator

import pytest

from amp.domain.assets import State
from amp.domain.criteria import NotOf, TextMatches
from amp.domain.tokens import tokenize
from tests.support.search.criteria_cases import ALL, CASES, LIBRARY
from tests.support.search.profiles import (
    NEW_YEAR_MS,
    SEARCH_PROFILES,
    SearchProfile,
    asset,
    head,
    names,
    open_search_profile,
)


@pytest.fixture(name="library", params=SEARCH_PROFILES, scope="module")
def make_library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchProfile]:
    """The library in two buckets, with a deleted asset that no condition may find."""
    with open_search_profile(request, tmp_path_factory.mktemp("library")) as search_profile:
        old, new = search_profile.bucket(0, NEW_YEAR_MS // 1000), search_profile.bucket(NEW_YEAR_MS // 1000)
        gone = asset("gone", state=State.DELETED, metadata=LIBRARY[0].metadata, labels=["night"])
        search_profile.store(old, [head(LIBRARY[0])])
        search_profile.store(new, [head(one) for one in [*LIBRARY[1:], gone]])
        yield search_profile


@pytest.mark.parametrize("case", CASES)
def test_a_condition_finds_exactly_the_assets_that_meet_it(library: SearchProfile, case: str) -> None:
    criteria, expected = CASES[case]
    page = library.search(criteria)
    assert set(names(page)) == expected
    assert (page.total, page.total_is_exact, page.more) == (len(expected), True, False)


@pytest.mark.parametrize("case", CASES)
def test_the_complement_finds_all_the_others(library: SearchProfile, case: str) -> None:
    criteria, expected = CASES[case]
    assert set(names(library.search(NotOf(criteria)))) == ALL - expected
    assert set(names(library.search(NotOf(criteria), all_versions=True))) == ALL - expected


def test_a_word_is_found_however_long_it_is(library: SearchProfile) -> None:
    word = "𐐨" * 128
    assert tokenize(word) == [word]
    bucket = library.bucket(4_000_000_000)
    library.store(bucket, [head(asset("long word", at=4_000_000_000_000 - NEW_YEAR_MS, labels=[word]))])
    assert names(library.search(TextMatches((word,)))) == ["long word"]
    assert library.search(TextMatches((word[:127],))).total == 0
    library.indices.drop(bucket.index)
