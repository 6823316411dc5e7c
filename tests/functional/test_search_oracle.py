"""Random assets and random searches have the same answers in both indices as in brute force over the assets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amp.adapters.clock import SystemClock
from amp.domain.buckets import Bucket
from amp.domain.criteria import SearchPage, SearchRequest
from amp.domain.limits import SearchLimits
from amp.domain.queries import All, Any_, Condition, Facet, Not, Query, Sort
from amp.domain.types import AssetType
from amp.ports.search_index import Put, Written
from amp.services.resolve_query import ResolveQuery
from amp.services.type_catalog import TypeCatalog
from tests.contract.search_sets import SEARCH_SETS, SearchSet, open_search_set
from tests.oracle import criteria_oracle, query_oracle
from tests.oracle.criteria_strategies import draw_request
from tests.oracle.items import Answer
from tests.oracle.query_strategies import draw_search
from tests.oracle.worlds import BOUNDARY_MS, World, draw_world

_WORLDS = 100
_SEARCHES = 8  #: of each world
_campaign = settings(max_examples=_WORLDS, deadline=None, suppress_health_check=list(HealthCheck))


class Shelf:
    """A search set with two buckets that worlds are put into, each beside the others."""

    def __init__(self, search_set: SearchSet) -> None:
        self._set = search_set
        boundary_s = BOUNDARY_MS // 1000
        self._old, self._new = search_set.bucket(0, boundary_s), search_set.bucket(boundary_s)

    def put(self, world: World, misplaced: bool) -> None:
        """Every document into its bucket; `misplaced`: into the other one as well, where no search may see it."""
        puts = []
        for created_ms, document in world.documents():
            for bucket in (self._old, self._new):
                if misplaced or bucket is self._bucket_of(created_ms):
                    puts.append(Put(bucket.write_alias, document))
        results = self._set.index.put(puts)
        assert {result.written for result in results} <= {Written.DONE}, results
        self._set.indices.refresh([self._old.index, self._new.index])

    def _bucket_of(self, created_ms: int) -> Bucket:
        return self._new if created_ms >= BOUNDARY_MS else self._old

    def pages(self, request: SearchRequest) -> Iterator[SearchPage]:
        while True:
            page = self._set.index.search(request)
            yield page
            if not page.more:
                return
            request = replace(request, after=page.hits[-1].sort)


@pytest.fixture(name="shelf", params=SEARCH_SETS, scope="module")
def make_shelf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with open_search_set(request, tmp_path_factory.mktemp("shelf")) as search_set:
        yield Shelf(search_set)


@st.composite
def _worlds_and_requests(draw: st.DrawFn) -> tuple[World, list[SearchRequest]]:
    world = draw_world(draw)
    return world, [draw_request(draw, world) for _ in range(_SEARCHES)]


@pytest.mark.timeout(600)
def test_criteria_find_what_brute_force_finds(shelf: Shelf) -> None:
    compared = 0

    @_campaign
    @given(_worlds_and_requests(), st.booleans())
    def campaign(drawn: tuple[World, list[SearchRequest]], misplaced: bool) -> None:
        nonlocal compared
        world, requests = drawn
        shelf.put(world, misplaced)
        for request in requests:
            _compare(list(shelf.pages(request)), criteria_oracle.answer(world.items, request), request)
            compared += 1

    campaign()
    assert compared >= 500


@st.composite
def _worlds_and_searches(draw: st.DrawFn) -> tuple[World, list[dict[str, Any]]]:
    world = draw_world(draw)
    return world, [draw_search(draw, world) for _ in range(_SEARCHES)]


@pytest.mark.timeout(600)
def test_what_clients_ask_finds_what_brute_force_finds(shelf: Shelf) -> None:
    compared = 0

    @_campaign
    @given(_worlds_and_searches(), st.booleans())
    def campaign(drawn: tuple[World, list[dict[str, Any]]], misplaced: bool) -> None:
        nonlocal compared
        world, searches = drawn
        shelf.put(world, misplaced)
        for search in searches:
            request = _resolved(search, world)
            _compare(list(shelf.pages(request)), query_oracle.answer(world.items, search), request)
            compared += 1

    campaign()
    assert compared >= 500


class _TypesOf:
    """The registry of a world that has these types only."""

    def __init__(self, world: World) -> None:
        self._types = world.types

    def add(self, asset_type: AssetType) -> bool:
        raise NotImplementedError(asset_type)

    def get(self, name: str, version: int | None = None) -> AssetType | None:
        return next((each for each in self._types if each.name == name and version in (None, 1)), None)

    def newest(self) -> list[AssetType]:
        return self._types


def _resolved(search: Mapping[str, Any], world: World) -> SearchRequest:
    resolver = ResolveQuery(
        TypeCatalog(_TypesOf(world), SystemClock(), refresh_s=60),
        SearchLimits(conditions=100, metadata_conditions=100, depth=10),
    )
    sorts = [Sort(sort["field"], sort["order"] == "desc") for sort in search["sort"]]
    facets = [Facet(name, facet["field"], facet["size"]) for name, facet in search["facets"].items()]
    return SearchRequest(
        criteria=resolver.criteria(_parsed(search["query"]), search.get("text")),
        sort=resolver.sort(sorts),
        size=search["size"],
        facets=resolver.facets(facets),
        all_versions=search["versions"] == "all",
    )


def _parsed(query: Mapping[str, Any]) -> Query:
    match query:
        case {"all": parts}:
            return All(tuple(map(_parsed, parts)))
        case {"any": parts}:
            return Any_(tuple(map(_parsed, parts)))
        case {"not": part}:
            return Not(_parsed(part))
    return Condition(query["field"], tuple((name, operand) for name, operand in query.items() if name != "field"))


def _compare(pages: Sequence[SearchPage], expected: Answer, request: SearchRequest) -> None:
    found = [orjson.loads(hit.source) for page in pages for hit in page.hits]
    assert [(asset["id"], asset["version"]) for asset in found] == expected.matches
    assert all(len(page.hits) == request.size for page in pages[:-1])
    for page in pages:
        _compare_total(page, len(expected.matches), request.total_limit)
        assert {name: list(facet.values) for name, facet in page.facets.items()} == expected.facets
        assert not any(facet.approximate for facet in page.facets.values())


def _compare_total(page: SearchPage, expected: int, limit: int | None) -> None:
    assert page.total_is_exact == (limit is None or expected <= limit)
    if page.total_is_exact:
        assert page.total == expected
    else:
        assert limit is not None
        assert limit <= page.total <= expected
