"""The contract of shared values, over every adapter."""

from functools import partial

import pytest

from amp.ports.shared_values import SharedValues
from amp.profiles import Adapters
from tests.support.asset_samples import at_once, unique


@pytest.fixture
def shared(store_profile: Adapters) -> SharedValues:
    return store_profile.shared


@pytest.mark.parametrize("value", [b"", b"key", bytes(range(256)) * 16])
def test_the_first_value_stays(shared: SharedValues, value: bytes) -> None:
    name = unique("name")
    assert shared.get_or_put(name, value) == value
    assert shared.get_or_put(name, b"another") == value


def test_names_are_apart(shared: SharedValues) -> None:
    one, two = unique("name"), unique("name")
    assert shared.get_or_put(one, b"1") == b"1"
    assert shared.get_or_put(two, b"2") == b"2"
    assert shared.get_or_put(one, b"3") == b"1"


def test_all_concurrent_callers_get_the_same(shared: SharedValues) -> None:
    name = unique("name")
    values = [bytes([i]) * 32 for i in range(24)]
    answers = at_once([partial(shared.get_or_put, name, value) for value in values])
    assert len(set(answers)) == 1
    assert answers[0] in values
