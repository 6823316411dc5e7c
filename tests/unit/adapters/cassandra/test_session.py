"""What of the connection can be told without a server."""

from pathlib import Path

import pytest

from amp.adapters.cassandra.session import CassandraSession
from amp.errors import BadSetting
from amp.settings import load_settings


def test_a_missing_certificate_file_stops_the_start_and_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="AMP_CASSANDRA_TLS_CA"):
        CassandraSession(load_settings({"cassandra_tls_ca": tmp_path / "none.pem"}))


def test_a_file_that_is_no_certificate_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(BadSetting, match="AMP_CASSANDRA_TLS_CA"):
        CassandraSession(load_settings({"cassandra_tls_ca": tmp_path / "ca.pem"}))
