"""Random assets and random searches have the same answers in both indices as in brute force over the assets."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amp.adapters.clock import SystemClock
from amp.adapters.embedded.bucket_registry import SqliteBucketRegistry
from amp.adapters.embedded.cache import MemoryCache
from amp.adapters.embedded.database import Database
from amp.adapters.embedded.store_component import SqliteStoreComponent
from amp.api.models.search import SearchIn as SearchBody
from amp.domain.buckets import first_map
from amp.domain.criteria import IndexQuery, SearchPage
from amp.domain.document_match import matches
from amp.domain.limits import SearchLimits
from amp.domain.principals import Principal
from amp.domain.types import AssetType
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.search.cursors import Cursors
from amp.services.search.resolve import QueryResolver
from amp.services.search.search import AssetSearch
from amp.services.types.catalog import TypeCatalog
from tests.support.campaign_size import share
from tests.support.oracle import criteria_oracle, query_oracle
from tests.support.oracle.criteria_strategies import draw_request
from tests.support.oracle.datasets import Dataset, draw_dataset
from tests.support.oracle.oracle_index import OracleIndex, compare
from tests.support.oracle.query_strategies import draw_search
from tests.support.search.profiles import SEARCH_PROFILES, open_search_profile

_DATASETS = share(80)
_SEARCHES = 8  #: of each dataset
#: Cases compared at least, by either test on either index: 500 in CI.
_LEAST = share(500)
_TOTAL_LIMIT = 3
_campaign = settings(max_examples=_DATASETS, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(name="oracle_index", params=SEARCH_PROFILES, scope="module")
def make_oracle_index(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OracleIndex]:
    with open_search_profile(request, tmp_path_factory.mktemp("oracle")) as search_profile:
        yield OracleIndex(search_profile)


@pytest.fixture(name="maps")
def make_maps(tmp_path: Path) -> Iterator[BucketMaps]:
    """Of fewer buckets than there are, so that searches do not insist on a number of them."""
    with closing(Database(tmp_path)) as database:
        SqliteStoreComponent(database).migrate()
        registry = SqliteBucketRegistry(database)
        assert registry.replace(first_map("amp"), expected_generation=0)
        yield BucketMaps(registry, MemoryCache(), SystemClock(), refresh_s=60)


@st.composite
def _datasets_and_requests(draw: st.DrawFn) -> tuple[Dataset, list[IndexQuery]]:
    dataset = draw_dataset(draw)
    return dataset, [draw_request(draw, dataset) for _ in range(_SEARCHES)]


@pytest.mark.timeout(600)
def test_criteria_find_what_brute_force_finds(oracle_index: OracleIndex) -> None:
    compared = 0

    @_campaign
    @given(_datasets_and_requests(), st.booleans())
    def campaign(drawn: tuple[Dataset, list[IndexQuery]], misplaced: bool) -> None:
        nonlocal compared
        dataset, requests = drawn
        oracle_index.put(dataset, misplaced)
        bodies = [document.body for _, document in dataset.documents()]
        for request in requests:
            pages = list(oracle_index.pages(request))
            compare(pages, criteria_oracle.answer(dataset.items, request), request.size, request.total_limit)
            seen = [body for body in bodies if body["latest"] or request.all_versions]
            evaluated = {(body["asset_id"], body["version"]) for body in seen if matches(request.criteria, body)}
            found = [orjson.loads(hit.source) for page in pages for hit in page.hits]
            assert evaluated == {(asset["id"], asset["version"]) for asset in found}
            compared += 1

    campaign()
    assert compared >= _LEAST


@st.composite
def _datasets_and_searches(draw: st.DrawFn) -> tuple[Dataset, list[dict[str, Any]]]:
    dataset = draw_dataset(draw)
    return dataset, [draw_search(draw, dataset) for _ in range(_SEARCHES)]


@pytest.mark.timeout(600)
def test_what_clients_ask_finds_what_brute_force_finds(oracle_index: OracleIndex, maps: BucketMaps) -> None:
    compared = 0

    @_campaign
    @given(_datasets_and_searches(), st.booleans())
    def campaign(drawn: tuple[Dataset, list[dict[str, Any]]], misplaced: bool) -> None:
        nonlocal compared
        dataset, searches = drawn
        oracle_index.put(dataset, misplaced)
        for search in searches:
            pages = _pages(search, _service(oracle_index, dataset, maps))
            compare(pages, query_oracle.answer(dataset.items, search), search["size"], _TOTAL_LIMIT)
            compared += 1

    campaign()
    assert compared >= _LEAST


class _TypesOf:
    """The registry of a dataset that has these types only."""

    def __init__(self, dataset: Dataset) -> None:
        self._types = dataset.types

    def add(self, asset_type: AssetType) -> bool:
        raise NotImplementedError(asset_type)

    def get(self, name: str, version: int | None = None) -> AssetType | None:
        return next((each for each in self._types if each.name == name and version in (None, 1)), None)

    def newest(self) -> list[AssetType]:
        return self._types


def _service(oracle_index: OracleIndex, dataset: Dataset, maps: BucketMaps) -> AssetSearch:
    limits = SearchLimits(conditions=100, metadata_conditions=100, depth=10, total=_TOTAL_LIMIT)
    resolver = QueryResolver(catalog=TypeCatalog(_TypesOf(dataset), SystemClock(), refresh_s=60), limits=limits)
    return AssetSearch(
        index=oracle_index.index, resolver=resolver, cursors=Cursors(secret=lambda: b"secret"), maps=maps, limits=limits
    )


def _pages(search: dict[str, Any], service: AssetSearch) -> Iterator[SearchPage]:
    """The way of a request, from its JSON on."""
    cursor = None
    while True:
        order = SearchBody.model_validate(search | {"cursor": cursor}).search_query()
        answer = service.search(order, Principal("ann"))
        cursor = answer.next_cursor
        yield SearchPage(
            hits=answer.hits,
            total=answer.total,
            total_is_exact=answer.total_is_exact,
            facets=answer.facets,
            more=cursor is not None,
        )
        if cursor is None:
            return
