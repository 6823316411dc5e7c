"""Settings: documented, and refused with the name of the variable."""

from pathlib import Path

import certifi
import pytest

from amp.errors import BadSetting
from amp.settings import Settings, load_settings, variable

_PAGE = (Path(__file__).parents[3] / "docs" / "settings.md").read_text()


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    (line,) = [line for line in _PAGE.splitlines() if line.startswith(f"| `{variable(name)}` |")]
    default = Settings.model_fields[name].default
    if isinstance(default, str | int | float | Path):
        assert f"`{default}`" in line
    description = Settings.model_fields[name].description or ""
    assert description.replace("`", "").casefold() in line.replace("`", "").casefold()


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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("AMP_JOB_RETENTION_S", value) for value in ("2e9", "inf", "nan", "-1", "0")],
        *[
            (f"AMP_{name}_RATE", value)
            for name in ("JOB", "MOVE", "CONTINUOUS_CHECK")
            for value in ("inf", "nan", "1e-300", "0")
        ],
        *[("AMP_PURGE_AFTER_S", value) for value in ("inf", "nan", "1e12")],
        ("AMP_BUCKET_CHECK_S", "1e-9"),
        ("AMP_SEARCH_TIMEOUT_S", "nan"),
        ("AMP_TOTAL_LIMIT", "1" + "0" * 20),
        ("AMP_VERSIONS_KEPT", "1" + "0" * 20),
        ("AMP_IDEMPOTENCY_TTL_S", "700000000"),
        ("AMP_PROCESSES", "1000000"),
        ("AMP_CASSANDRA_HOSTS", ","),
        ("AMP_CASSANDRA_HOSTS", "db:70000"),
        ("AMP_CASSANDRA_REPLICATION", "dc1:3,dc1:2"),
        ("AMP_CASSANDRA_REPLICATION", "dc1:0"),
        ("AMP_KAFKA_BOOTSTRAP", "broker:65537"),
        ("AMP_KAFKA_BOOTSTRAP", "a:1,,b:2"),
        ("AMP_KAFKA_TLS_CA", "/nowhere/ca.pem"),
        ("AMP_ELASTICSEARCH_URL", "http://[::1"),
        ("AMP_ELASTICSEARCH_URL", "http://es"),
        ("AMP_ELASTICSEARCH_URL", "es:9200"),
        ("AMP_ELASTICSEARCH_REFRESH_INTERVAL", "١s"),
        ("AMP_REDIS_URL", "http://cache:6379"),
        ("AMP_REDIS_URL", "redis://cache:6379/zero"),
        ("AMP_URL", "localhost:8080"),
        ("AMP_URL", "http://localhost:80800"),
        ("AMP_HOST", "a..b"),
        ("AMP_DATA_DIR", ""),
        ("AMP_CORS_ORIGINS", "https://example.org/"),
        ("AMP_CORS_ORIGINS", "http://a:99999"),
        ("AMP_CORS_ORIGINS", "http://a,http://b:0"),
    ],
)
def test_values_that_would_fail_later_are_refused_at_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting) as refused:
        load_settings()
    assert refused.value.message.startswith(f"{name}=")


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_text_that_no_part_can_carry_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(variable(name), "a\udcff")
    with pytest.raises(BadSetting, match="is not UTF-8 text") as refused:
        load_settings()
    refused.value.message.encode()


@pytest.mark.parametrize("text", ["a\x1b[2J", "a\nb", "a\x9b", "a\u202eb"])
def test_control_characters_are_refused_and_not_displayed(text: str) -> None:
    with pytest.raises(BadSetting, match="AMP_DATA_DIR=") as refused:
        load_settings({"data_dir": text})
    assert text not in refused.value.message


@pytest.mark.parametrize(
    "url", ["redis://me:hun/ter2@h:1", "redis://h:1?password=hunter2&x=1", "redis://h:1/hunter2", "http://:hunter2@h"]
)
def test_a_bad_address_is_refused_without_its_secrets(url: str) -> None:
    for name in ("redis_url", "elasticsearch_url", "kafka_bootstrap", "cassandra_hosts", "url"):
        with pytest.raises(BadSetting) as refused:
            load_settings({name: f"{url},{url}"})
        assert "ter2" not in refused.value.message or url.endswith("/hunter2")


def test_an_empty_value_of_a_setting_that_may_be_left_out_leaves_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AMP_URL", "AMP_KAFKA_TLS_CA", "AMP_CONTINUOUS_CHECK_RATE", "AMP_CASSANDRA_PASSWORD"):
        monkeypatch.setenv(name, "")
    settings = load_settings()
    assert (settings.url, settings.kafka_tls_ca, settings.continuous_check_rate) == (None, None, None)


def test_settings_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(BadSetting, match="AMP_BUCKET_ROLL_LEAD_S=30 must be more than AMP_ID_SKEW_S=60"):
        load_settings({"bucket_roll_lead_s": 30})
    with pytest.raises(BadSetting, match="AMP_REDIS_TLS_CA needs a AMP_REDIS_URL that begins with rediss://"):
        load_settings({"redis_tls_ca": certifi.where()})
    with pytest.raises(BadSetting, match="AMP_ELASTICSEARCH_TLS_CA needs a AMP_ELASTICSEARCH_URL of https://"):
        load_settings({"elasticsearch_tls_ca": certifi.where()})


def test_a_bad_secret_is_not_shown() -> None:
    with pytest.raises(BadSetting) as caught:
        load_settings({"kafka_password": 12345678})
    assert "12345678" not in str(caught.value)


def test_lists_and_pairs_are_read_from_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMP_CASSANDRA_HOSTS", "a:9042, b:9042")
    monkeypatch.setenv("AMP_CASSANDRA_REPLICATION", "dc1:3,dc2:2")
    monkeypatch.setenv("AMP_CASSANDRA_WRITING_DATACENTER", "dc1")
    settings = load_settings()
    assert settings.cassandra_hosts == ("a:9042", "b:9042")
    assert settings.cassandra_replication == {"dc1": 3, "dc2": 2}
