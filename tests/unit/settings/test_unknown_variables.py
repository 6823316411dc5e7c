"""Variables that look like settings and are none are named, with what was meant."""

import pytest

from amp.settings import Settings, variable
from amp.unknown_variables import unknown_variables


def test_every_setting_is_known_in_any_case() -> None:
    names = [variable(name) for name in Settings.model_fields]
    assert unknown_variables(dict.fromkeys([*names, *map(str.lower, names), "PATH", "_AMP_COMPLETE"], "x")) == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("AMP_PROT", ": did you mean AMP_PORT?"),
        ("AMP_CASSANDRA_HOST", ": did you mean AMP_CASSANDRA_HOSTS?"),
        ("AMP_FOO", ""),
    ],
)
def test_an_unknown_variable_is_named_with_the_nearest_setting(name: str, hint: str) -> None:
    assert unknown_variables({name: "secret"}) == [f"{name} is not a setting and is ignored{hint}"]
