"""What of the connection can be told without a server."""

from pathlib import Path

import pytest

from amp.adapters.cassandra.session import CassandraSession, host_and_port
from amp.errors import BadSetting
from amp.settings import load_settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1:9142", ("10.0.0.1", 9142)),
        ("db.example.org", ("db.example.org", 9042)),
        ("[::1]:9142", ("::1", 9142)),
        ("[::1]", ("::1", 9042)),
        ("::1", ("::1", 9042)),
    ],
)
def test_a_host_may_come_with_a_port(text: str, expected: tuple[str, int]) -> None:
    assert host_and_port(text) == expected


def test_a_missing_certificate_file_stops_the_start_and_names_the_variable(tmp_path: Path) -> None:
    settings = load_settings({"cassandra_tls_ca": tmp_path / "none.pem"})
    with pytest.raises(BadSetting, match="AMP_CASSANDRA_TLS_CA"):
        CassandraSession(settings)


def test_a_file_that_is_no_certificate_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(BadSetting, match="AMP_CASSANDRA_TLS_CA"):
        CassandraSession(load_settings({"cassandra_tls_ca": tmp_path / "ca.pem"}))
