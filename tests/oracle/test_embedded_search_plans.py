"""Whichever way the embedded search takes to the documents, it finds the same."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amp.adapters.embedded import search_query
from amp.adapters.embedded.search_bucket_documents import SqliteBucketDocuments
from amp.adapters.embedded.search_bucket_indices import SqliteBucketIndices
from amp.adapters.embedded.search_component import SearchComponent
from amp.adapters.embedded.search_database import SearchDatabase
from amp.adapters.embedded.search_index import SqliteSearchIndex
from amp.domain.criteria import IndexQuery
from tests.support.oracle import criteria_oracle
from tests.support.oracle.criteria_strategies import draw_request
from tests.support.oracle.datasets import Dataset, draw_dataset
from tests.support.oracle.oracle_index import OracleIndex, compare
from tests.support.search.profiles import SearchProfile

#: (rows compared, how many make a condition broad, rows counted at most, rows of which the words are tested one by one)
WAYS = {
    "every condition is broad, the first is taken": ((1,), 1_000_000, 0, 1_000),
    "every condition is broad, documents are gone through as they are stored": ((1,), 1_000_000, 50_000, 1_000),
    "one document in two is many": ((1, 2), 2, 50_000, 3),
    "the fewest rows are taken, words are tested": ((1_000_000,), 8, 50_000, 1_000),
    "the fewest rows are taken, words are searched": ((1_000_000,), 8, 50_000, 0),
}


@pytest.fixture(name="oracle_index", scope="module")
def make_oracle_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OracleIndex]:
    database = SearchDatabase(tmp_path_factory.mktemp("plans"))
    with closing(SearchComponent(database)) as part:
        part.migrate()
        index, indices, documents = (
            make(database) for make in (SqliteSearchIndex, SqliteBucketIndices, SqliteBucketDocuments)
        )
        yield OracleIndex(SearchProfile(index=index, indices=indices, documents=documents, prefix="amp"))


@st.composite
def _datasets_and_requests(draw: st.DrawFn) -> tuple[Dataset, list[IndexQuery]]:
    dataset = draw_dataset(draw)
    return dataset, [draw_request(draw, dataset) for _ in range(8)]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_the_documents_finds_the_same(
    oracle_index: OracleIndex, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows_compared, many, most_counted, few = WAYS[way]
    monkeypatch.setattr(search_query, "_COUNT_LIMITS", rows_compared)
    monkeypatch.setattr(search_query, "_UNSELECTIVE_RATIO", many)
    monkeypatch.setattr(search_query, "_MAX_COUNTED", most_counted)
    monkeypatch.setattr(search_query, "_FEW", few)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_datasets_and_requests())
    def campaign(drawn: tuple[Dataset, list[IndexQuery]]) -> None:
        dataset, requests = drawn
        oracle_index.put(dataset, misplaced=False)
        for request in requests:
            expected = criteria_oracle.answer(dataset.items, request)
            compare(oracle_index.pages(request), expected, request.size, request.total_limit)

    campaign()
