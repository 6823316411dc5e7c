"""A Cassandra of these tests, with a login, TLS and a low limit of tombstones."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from amp.adapters.cassandra.component import CassandraComponent
from amp.adapters.cassandra.session import CassandraSession
from amp.errors import StoreUnavailable
from amp.settings import load_settings
from tests.support.stack import Stack
from tests.support.stack.process_server import ProcessServer

PASSWORD = "changeit"
#: What the server passes in one read; by default it is 100,000.
TOMBSTONES = 1_000


@pytest.fixture(scope="package")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of the server's key, which lies beside it."""
    folder = tmp_path_factory.mktemp("tls")
    store = [
        "-keystore",
        str(folder / "server.p12"),
        "-storetype",
        "PKCS12",
        "-storepass",
        PASSWORD,
        "-alias",
        "server",
    ]
    identity = ["-keyalg", "RSA", "-dname", "CN=127.0.0.1", "-ext", "SAN=ip:127.0.0.1"]
    subprocess.run(["keytool", "-genkeypair", *store, *identity], check=True, capture_output=True, timeout=60)
    exported = subprocess.run(
        ["keytool", "-exportcert", "-rfc", *store], check=True, capture_output=True, timeout=60, text=True
    )
    (folder / "ca.pem").write_text(exported.stdout)
    return folder / "ca.pem"


@pytest.fixture(scope="package")
def server(stack: Stack, tmp_path_factory: pytest.TempPathFactory, ca_file: Path) -> Iterator[ProcessServer]:
    if not isinstance(stack.cassandra, ProcessServer):
        pytest.skip("needs a Cassandra whose configuration is ours")
    tls = {
        "enabled": True,
        # Also plain: the question whether it is ready comes without TLS.
        "optional": True,
        "keystore": str(ca_file.with_name("server.p12")),
        "keystore_password": PASSWORD,
        "store_type": "PKCS12",
    }
    config = {
        "authenticator": "PasswordAuthenticator",
        "client_encryption_options": tls,
        # A lone node that syncs periodically forgets the last moments when killed.
        "commitlog_sync": "batch",
        "commitlog_sync_period": "0ms",
        "tombstone_warn_threshold": TOMBSTONES // 2,
        "tombstone_failure_threshold": TOMBSTONES,
    }
    with Stack(
        tmp_path_factory.mktemp("stack"), only=("cassandra",), settings={"cassandra": config}, quick=True
    ) as own:
        assert isinstance(own.cassandra, ProcessServer)
        yield own.cassandra


@pytest.fixture
def part(server: ProcessServer, ca_file: Path) -> Iterator[CassandraComponent]:
    part = new_part(server, cassandra_tls_ca=ca_file)
    # The server makes its first user some seconds after it is ready.
    wait_for_ping(part)
    part.migrate()
    yield part
    part.close()


def new_part(server: ProcessServer, **overrides: Any) -> CassandraComponent:
    login = {"cassandra_hosts": server.address, "cassandra_user": "cassandra", "cassandra_password": "cassandra"}
    return CassandraComponent(CassandraSession(load_settings(login | overrides)))


def wait_for_ping(part: CassandraComponent) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            part.ping()
            return
        except StoreUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.2)
