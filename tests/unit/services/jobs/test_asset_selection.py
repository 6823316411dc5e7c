"""Places in a search that jobs keep: good in every process and release, whatever key signs cursors."""

import pytest

from amp.domain.criteria import Hit, IndexQuery, SearchPage
from amp.domain.ids import mint_at
from amp.domain.limits import SearchLimits
from amp.domain.principals import Principal
from amp.domain.queries import Condition, Conjunction, Negation, query_identity
from amp.domain.selectors import Selector
from amp.errors import BadCursor, NotMigrated
from amp.services.jobs.asset_selection import AssetSelection
from amp.services.search.cursors import Cursors
from amp.services.search.resolve import QueryResolver
from amp.services.search.search import AssetSearch

PRINCIPAL = Principal("ann")
IDS = [mint_at(n) for n in range(7)]


class _Index:
    """Finds the ids, three a page."""

    def search(self, request: IndexQuery) -> SearchPage:
        first = 0 if request.after is None else int(request.after[0] or 0) + 1
        hits = [Hit(b"", (n, str(IDS[n]))) for n in range(first, len(IDS))][:3]
        more = first + len(hits) < len(IDS)
        return SearchPage(hits=tuple(hits), total=len(IDS), total_is_exact=True, facets={}, more=more)


class _NoMaps:
    def current(self) -> None:
        raise NotMigrated


class _NoKinds:
    def kinds(self, key: str, since_s: float | None = None) -> frozenset[str]:  # noqa: ARG002 - no type has any
        return frozenset()

    def now_s(self) -> float:
        return 0.0


def select(secret: bytes) -> AssetSelection:
    resolver, limits = QueryResolver(catalog=_NoKinds(), limits=SearchLimits()), SearchLimits()  # type: ignore[arg-type]
    searcher = AssetSearch(
        index=_Index(), resolver=resolver, cursors=Cursors(secret=lambda: secret), maps=_NoMaps(), limits=limits
    )  # type: ignore[arg-type]
    return AssetSelection(listing=None, asset_search=searcher, catalog=_NoKinds())  # type: ignore[arg-type]


def test_a_place_is_good_after_the_key_of_cursors_was_changed() -> None:
    found, position = [], None
    for secret in (b"one", b"two", b"three"):
        page = select(secret).page(Selector(query="name:a"), position, 3, PRINCIPAL)
        found += page.ids
        position = page.position
    assert (found, position) == (IDS, None)


@pytest.mark.parametrize("position", ["W10.c2lnbmF0dXJl", "5", '"ab"', "{}", "null"])
def test_a_place_of_another_make_is_refused(position: str) -> None:
    with pytest.raises(BadCursor):
        select(b"one").page(Selector(query="name:a"), position, 3, PRINCIPAL)


def test_a_query_is_reported_by_what_it_asks_and_not_by_where_it_stands() -> None:
    def query(pointer: str, operand: object = 10**30) -> Conjunction:
        return Conjunction(
            (Condition("name", (("eq", operand),), pointer), Negation(Condition("id", (("in", ["a"]),))))
        )

    assert query_identity(query("/query")) == query_identity(query("/q"))
    assert query_identity(query("")) != query_identity(query("", 1))
    assert query_identity(None) == "null"
