"""Sorting, paging, totals and facets of a search, in both profiles."""

from collections.abc import Iterator

import pytest

from amp.domain.criteria import (
    EVERYTHING,
    NOTHING,
    EntryExists,
    FacetOn,
    NotOf,
    RootField,
    RootMatches,
    SearchPage,
    SortBy,
)
from amp.domain.criteria import OneOf as OneOfValues
from amp.domain.ids import mint_at
from tests.support.search.profiles import (
    NEW_YEAR_MS,
    SEARCH_PROFILES,
    SearchProfile,
    asset,
    head,
    names,
    open_search_profile,
)

#: Name → creation in milliseconds after the new year, and metadata. Two of the `code`s are text.
ASSETS = [
    asset("a", at=1, metadata={"code": 10, "codec": "b", "takes": (1, 9)}, labels=["m"], external_id="x2"),
    asset("b", at=2, metadata={"code": 2, "codec": "a", "takes": (5,)}, labels=["a", "z"], updated_ms=NEW_YEAR_MS + 9),
    asset("c", at=3, type_name="sound", metadata={"code": 2.5}, external_id="x1"),
    asset("d", at=4, type_name="still", metadata={"code": "10", "codec": "b"}, updated_ms=NEW_YEAR_MS - 9),
    asset("e", at=5, type_name="still", metadata={"code": "ä"}, project="p2"),
    asset("f", at=6, metadata={"takes": (3, 4)}, version=2, revision=2),
    asset("g", at=-7, type_name="sound", metadata={"code": -1e9}),
    asset("h", at=8, metadata={"gain": 0.5, "live": True, "shot": "1969-12-31T23:59:59.999Z"}),
]


@pytest.fixture(name="search_profile", params=SEARCH_PROFILES, scope="module")
def make_search_profile(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SearchProfile]:
    """The assets in two buckets, so that orders and counts are put together from both."""
    with open_search_profile(request, tmp_path_factory.mktemp("order")) as opened:
        boundary_s = NEW_YEAR_MS // 1000
        old, new = opened.bucket(0, boundary_s), opened.bucket(boundary_s)
        opened.store(old, [head(one) for one in ASSETS if one.created_ms < NEW_YEAR_MS])
        opened.store(new, [head(one) for one in ASSETS if one.created_ms >= NEW_YEAR_MS])
        yield opened


def by(field: RootField | str, *, descending: bool = False) -> SortBy:
    if isinstance(field, RootField):
        return SortBy(root=field, key=None, descending=descending)
    return SortBy(root=None, key=field, descending=descending)


ORDERS = {
    "newest first by default": ((), "hfedcbag"),
    "oldest first": ((by(RootField.CREATED),), "gabcdefh"),
    "newest first": ((by(RootField.CREATED, descending=True),), "hfedcbag"),
    "name": ((by(RootField.NAME, descending=True),), "hgfedcba"),
    "id": ((by(RootField.ID),), "gabcdefh"),
    "type, ties by age": ((by(RootField.TYPE),), "abfhgcde"),
    "type descending, ties by age descending": ((by(RootField.TYPE, descending=True),), "edcghfba"),
    "type, then newest": ((by(RootField.TYPE), by(RootField.CREATED, descending=True)), "hfbacged"),
    "external id, missing last": ((by(RootField.EXTERNAL_ID),), "cagbdefh"),
    "external id descending, missing last": ((by(RootField.EXTERNAL_ID, descending=True),), "achfedbg"),
    "labels by the least": ((by(RootField.LABELS),), "bagcdefh"),
    "labels descending by the greatest": ((by(RootField.LABELS, descending=True),), "bahfedcg"),
    "project": ((by(RootField.PROJECT, descending=True),), "ehfdcbag"),
    "state": ((by(RootField.STATE),), "gabcdefh"),
    "version": ((by(RootField.VERSION, descending=True),), "fhedcbag"),
    "updated": ((by(RootField.UPDATED),), "dgacefhb"),
    "updated descending": ((by(RootField.UPDATED, descending=True),), "bhfecagd"),
    "numbers before strings, missing last": ((by("code"),), "gbcadefh"),
    "descending, missing last": ((by("code", descending=True),), "edacbghf"),
    "arrays by their least value": ((by("takes"),), "afbgcdeh"),
    "arrays descending by their greatest": ((by("takes", descending=True),), "abfhedcg"),
    "key, then key": ((by("codec"), by("code", descending=True)), "bdaecghf"),
    "a key that nothing has": ((by("nope"),), "gabcdefh"),
    "boolean": ((by("live"),), "hgabcdef"),
    "date": ((by("shot", descending=True),), "hfedcbag"),
}


@pytest.mark.parametrize("order", ORDERS)
def test_hits_come_in_the_order_asked_for(search_profile: SearchProfile, order: str) -> None:
    sort, expected = ORDERS[order]
    assert "".join(names(search_profile.search(sort=sort))) == expected


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("order", ORDERS)
def test_pages_put_together_are_the_whole(search_profile: SearchProfile, order: str, size: int) -> None:
    sort, expected = ORDERS[order]
    pages = list(pages_of(search_profile, sort, size))
    assert "".join(name for page in pages for name in names(page)) == expected
    assert all(len(page.hits) == size and page.more for page in pages[:-1])
    assert all(page.total == len(ASSETS) for page in pages), "the total is that of the whole, on every page"


def pages_of(opened: SearchProfile, sort: tuple[SortBy, ...], size: int, **request: object) -> Iterator[SearchPage]:
    after = None
    while True:
        page = opened.search(sort=sort, size=size, after=after, **request)
        yield page
        if not page.more:
            return
        after = page.hits[-1].sort


def test_a_hit_has_the_values_that_were_compared(search_profile: SearchProfile) -> None:
    page = search_profile.search(sort=(by("codec"), by(RootField.VERSION), by(RootField.UPDATED)), size=3)
    third, last = page.hits[2], search_profile.search(sort=(by("codec"),)).hits[-1]
    assert third.sort == ("4b", 1, NEW_YEAR_MS, NEW_YEAR_MS + 1, str(ASSETS[0].id))
    assert last.sort == (None, NEW_YEAR_MS + 8, str(ASSETS[7].id))


def test_assets_of_one_millisecond_come_exactly_once_over_all_pages(search_set_with_ties: SearchProfile) -> None:
    for sort in ((), (by("codec"),), (by(RootField.NAME, descending=True),), (by("takes"), by(RootField.LABELS))):
        found = [name for page in pages_of(search_set_with_ties, sort, 7) for name in names(page)]
        assert sorted(found) == sorted(str(n) for n in range(50))


@pytest.fixture(name="search_set_with_ties", params=SEARCH_PROFILES)
def make_search_set_with_ties(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SearchProfile]:
    with open_search_profile(request, tmp_path_factory.mktemp("ties")) as opened:
        ids = [mint_at(NEW_YEAR_MS) for _ in range(50)]
        same = [asset(str(n), asset_id=one, metadata={"codec": "same"}) for n, one in enumerate(ids)]
        opened.store(opened.bucket(), [head(one) for one in same])
        yield opened


def test_the_last_page_has_no_more_even_when_it_is_full(search_profile: SearchProfile) -> None:
    assert search_profile.search(size=8).more is False
    assert search_profile.search(size=7).more is True


def test_a_page_of_no_hits_still_counts(search_profile: SearchProfile) -> None:
    page = search_profile.search(size=0)
    assert (page.hits, page.total, page.more) == ((), 8, True)
    assert search_profile.search(NOTHING, size=0).more is False


def test_totals_are_exact_up_to_the_limit_and_say_so_beyond(search_profile: SearchProfile) -> None:
    assert (search_profile.search(total_limit=8).total, search_profile.search(total_limit=8).total_is_exact) == (
        8,
        True,
    )
    assert (search_profile.search(total_limit=None).total, search_profile.search(total_limit=None).total_is_exact) == (
        8,
        True,
    )
    beyond = search_profile.search(total_limit=3)
    assert 3 <= beyond.total <= 8
    assert not beyond.total_is_exact


def facet(field: RootField | str, size: int = 10) -> FacetOn:
    is_root = isinstance(field, RootField)
    return FacetOn("f", field if is_root else None, None if is_root else field, size)  # type: ignore[arg-type]


FACETS = {
    "by count, then value": (facet(RootField.TYPE), (("clip", 4), ("sound", 2), ("still", 2))),
    "labels": (facet(RootField.LABELS), (("a", 1), ("m", 1), ("z", 1))),
    "version": (facet(RootField.VERSION), ((1, 7), (2, 1))),
    "state": (facet(RootField.STATE), (("active", 8),)),
    "updated": (
        facet(RootField.UPDATED),
        (("2026-01-01T00:00:00.000Z", 6), ("2025-12-31T23:59:59.991Z", 1), ("2026-01-01T00:00:00.009Z", 1)),
    ),
    "created": (
        facet(RootField.CREATED, size=2),
        (("2025-12-31T23:59:59.993Z", 1), ("2026-01-01T00:00:00.001Z", 1)),
    ),
    "missing values are not counted": (facet(RootField.EXTERNAL_ID), (("x1", 1), ("x2", 1))),
    "strings": (facet("codec"), (("b", 2), ("a", 1))),
    "mixed kinds, in their order": (
        facet("code"),
        ((-1_000_000_000, 1), (2, 1), (2.5, 1), (10, 1), ("10", 1), ("ä", 1)),
    ),
    "assets, not entries": (facet("takes"), ((1, 1), (3, 1), (4, 1), (5, 1), (9, 1))),
    "booleans": (facet("live"), ((True, 1),)),
    "dates": (facet("shot"), (("1969-12-31T23:59:59.999Z", 1),)),
    "no more than asked for": (facet("code", size=2), ((-1_000_000_000, 1), (2, 1))),
    "a key that nothing has": (facet("nope"), ()),
}


@pytest.mark.parametrize("case", FACETS)
def test_a_facet_counts_the_assets_of_each_value(search_profile: SearchProfile, case: str) -> None:
    asked, expected = FACETS[case]
    found = search_profile.search(facets=(asked,), size=1).facets["f"]
    assert found.values == expected
    assert [type(value) for value, _ in found.values] == [type(value) for value, _ in expected]
    assert not found.approximate


def test_facets_count_what_the_criteria_let_through_and_not_just_the_page(search_profile: SearchProfile) -> None:
    clips = RootMatches(RootField.TYPE, (OneOfValues(("clip",)),))
    both = (FacetOn("codecs", None, "codec", 5), FacetOn("types", RootField.TYPE, None, 5))
    page = search_profile.search(clips, facets=both, size=1)
    assert page.facets["codecs"].values == (("a", 1), ("b", 1))
    assert page.facets["types"].values == (("clip", 4),)
    none = search_profile.search(NotOf(EVERYTHING), facets=both)
    assert [facet.values for facet in none.facets.values()] == [(), ()]
    assert search_profile.search(EntryExists("codec"), facets=both).facets["types"].values == (
        ("clip", 2),
        ("still", 1),
    )
