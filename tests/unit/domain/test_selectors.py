"""What a selector covers, and how a job keeps it."""

import dataclasses
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.assets import State
from amp.domain.ids import mint_at
from amp.domain.selectors import Selector, selector_from_json, selector_json
from tests.support.asset_samples import id_version_1, id_version_6, new_asset

AT_MS = 1_767_225_600_000
TEXTS = st.none() | st.text(max_size=5)
TIMES = st.none() | st.integers(-(2**53), 2**53)
SELECTORS = st.builds(
    Selector,
    type=TEXTS,
    project=TEXTS,
    from_ms=TIMES,
    to_ms=TIMES,
    query=TEXTS,
    ids=st.none() | st.integers(0, 10**6),
)


@given(SELECTORS)
def test_a_selector_kept_as_json_is_the_same_when_it_is_read(selector: Selector) -> None:
    assert selector_from_json(orjson.loads(orjson.dumps(selector_json(selector)))) == selector


def test_conditions_that_were_not_given_are_not_kept() -> None:
    assert selector_json(Selector()) == {}
    assert selector_json(Selector(type="movie", from_ms=0, ids=0)) == {"type": "movie", "from_ms": 0, "ids": 0}


def test_what_is_no_selector_is_refused() -> None:
    with pytest.raises(TypeError):
        selector_from_json({"colour": "red"})


@pytest.mark.parametrize(
    ("values", "covers"),
    [
        ({}, True),
        ({"type": "movie"}, True),
        ({"type": "Movie"}, False),
        ({"type": ""}, False),
        ({"project": "north"}, True),
        ({"project": "default"}, False),
        ({"type": "movie", "project": "north"}, True),
        ({"type": "movie", "project": "south"}, False),
        ({"from_ms": AT_MS}, True),
        ({"from_ms": AT_MS + 1}, False),
        ({"to_ms": AT_MS + 1}, True),
        ({"to_ms": AT_MS}, False),
        ({"from_ms": AT_MS, "to_ms": AT_MS + 1}, True),
        ({"from_ms": 0, "to_ms": 0}, False),
        ({"type": "still", "from_ms": AT_MS, "to_ms": AT_MS + 1}, False),
        # The search and the list have told already.
        ({"query": "no such thing"}, True),
        ({"ids": 0}, True),
    ],
)
def test_an_asset_is_covered_if_it_meets_every_condition(values: dict[str, Any], covers: bool) -> None:
    for make in (mint_at, id_version_1, id_version_6):
        asset = new_asset(id=make(AT_MS), type="movie", project="north")
        assert Selector(**values).covers(asset) is covers
        assert Selector(**values).covers(dataclasses.replace(asset, state=State.DELETED, metadata={})) is covers


def test_only_a_selector_without_conditions_selects_all() -> None:
    assert Selector().selects_all
    some = ({"type": ""}, {"project": "a"}, {"from_ms": 0}, {"to_ms": 0}, {"query": ""}, {"ids": 0})
    assert not any(Selector(**values).selects_all for values in some)  # type: ignore[arg-type]
