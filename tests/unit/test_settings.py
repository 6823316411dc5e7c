"""Settings: documented, and refused with the name of the variable."""

from pathlib import Path

import pytest

from amp.errors import BadSetting
from amp.settings import Settings, load_settings, variable

_PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    (line,) = [line for line in _PAGE.splitlines() if line.startswith(f"| `{variable(name)}` |")]
    default = Settings.model_fields[name].default
    if isinstance(default, str | int | float | Path):
        assert f"`{default}`" in line


def test_no_setting_is_documented_that_does_not_exist() -> None:
    documented = {line.split("`")[1] for line in _PAGE.splitlines() if line.startswith("| `AMP_")}
    assert documented == {variable(name) for name in Settings.model_fields}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AMP_PORT", "abc"),
        ("AMP_PORT", "70000"),
        ("AMP_PROFILE", "clustre"),
        ("AMP_THREADS", "0"),
        ("AMP_CASSANDRA_REPLICATION", "dc1"),
        ("AMP_CASSANDRA_KEYSPACE", "drop table"),
        ("AMP_ELASTICSEARCH_REFRESH_INTERVAL", "soon"),
    ],
)
def test_a_bad_value_names_its_variable_and_the_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting) as caught:
        load_settings()
    assert name in str(caught.value)
    assert value in str(caught.value)


def test_a_bad_secret_is_not_shown() -> None:
    with pytest.raises(BadSetting) as caught:
        load_settings({"kafka_password": 12345678})
    assert "12345678" not in str(caught.value)


def test_lists_and_pairs_are_read_from_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMP_CASSANDRA_HOSTS", "a:9042, b:9042")
    monkeypatch.setenv("AMP_CASSANDRA_REPLICATION", "dc1:3,dc2:2")
    settings = load_settings()
    assert settings.cassandra_hosts == ("a:9042", "b:9042")
    assert settings.cassandra_replication == {"dc1": 3, "dc2": 2}
