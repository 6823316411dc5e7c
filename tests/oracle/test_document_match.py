"""Criteria hold for a search document exactly if brute force over the asset says so."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amp.domain.criteria import IndexQuery
from amp.domain.document_match import matches
from tests.support.oracle import criteria_oracle
from tests.support.oracle.criteria_strategies import draw_request
from tests.support.oracle.datasets import Dataset, draw_dataset
from tests.support.search.criteria_cases import CASES, LIBRARY
from tests.support.search.profiles import head


@st.composite
def _datasets_and_requests(draw: st.DrawFn) -> tuple[Dataset, list[IndexQuery]]:
    dataset = draw_dataset(draw)
    return dataset, [draw_request(draw, dataset) for _ in range(8)]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(_datasets_and_requests())
def test_criteria_hold_for_a_document_as_they_do_for_its_asset(drawn: tuple[Dataset, list[IndexQuery]]) -> None:
    dataset, requests = drawn
    for item, (_, document) in zip(dataset.items, dataset.documents(), strict=True):
        for request in requests:
            expected = not document.body["deleted"] and criteria_oracle.holds(request.criteria, item)
            assert matches(request.criteria, document.body) is expected, request.criteria


@pytest.mark.parametrize("case", CASES)
def test_a_condition_holds_for_exactly_the_assets_that_meet_it(case: str) -> None:
    criteria, expected = CASES[case]
    assert {one.name for one in LIBRARY if matches(criteria, head(one).body)} == expected
