"""A Cassandra that asks for a login, speaks TLS, and goes away and comes back."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from amp.adapters.cassandra.asset_store import CassandraAssetStore
from amp.adapters.cassandra.part import CassandraPart
from amp.adapters.cassandra.session import CassandraSession
from amp.domain.assets import Asset, Change
from amp.errors import StoreUnavailable
from amp.ports.asset_store import Verdict
from amp.settings import load_settings
from tests.contract.asset_samples import creation, head, intent_for, step, write
from tests.stack import Stack
from tests.stack.process_server import ProcessServer

pytestmark = pytest.mark.cluster

PASSWORD = "changeit"


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
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
    }
    with Stack(tmp_path_factory.mktemp("stack"), only=("cassandra",), settings={"cassandra": config}) as own:
        assert isinstance(own.cassandra, ProcessServer)
        yield own.cassandra


@pytest.fixture
def part(server: ProcessServer, ca_file: Path) -> Iterator[CassandraPart]:
    part = new_part(server, cassandra_tls_ca=ca_file)
    # The server makes its first user some seconds after it is ready.
    wait_for_ping(part)
    part.migrate()
    yield part
    part.close()


def new_part(server: ProcessServer, **overrides: Any) -> CassandraPart:
    login = {"cassandra_hosts": server.address, "cassandra_user": "cassandra", "cassandra_password": "cassandra"}
    return CassandraPart(CassandraSession(load_settings(login | overrides)))


def wait_for_ping(part: CassandraPart) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            part.ping()
            return
        except StoreUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_writing_with_login_and_tls(part: CassandraPart) -> None:
    store = CassandraAssetStore(part.session)
    (asset,) = write(store, creation())
    assert head(store, asset.id) == asset


def test_a_wrong_login_or_certificate_is_told(part: CassandraPart, server: ProcessServer, ca_file: Path) -> None:
    assert part.ping()
    system = "/etc/ssl/certs/ca-certificates.crt"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"cassandra_password": "wrong"}, "incorrect"),
        ({"cassandra_user": None}, "requires authentication"),
    ]
    if Path(system).exists():
        wrong.append(({"cassandra_tls_ca": system}, "CERTIFICATE_VERIFY_FAILED"))
    for overrides, reason in wrong:
        other = new_part(server, **{"cassandra_tls_ca": ca_file} | overrides)
        with pytest.raises(StoreUnavailable, match=reason) as raised:
            other.ping()
        assert "wrong" not in raised.value.message
        other.close()


def test_a_server_that_was_killed_is_found_again_with_all_it_answered_for(
    part: CassandraPart, server: ProcessServer
) -> None:
    store = CassandraAssetStore(part.session)
    assets = write(store, *[creation() for _ in range(50)])

    server.kill()
    try:
        change = step(assets[0])
        for use in (
            lambda: store.heads([assets[0].id]),
            lambda: store.prepare([(change, intent_for(change))]),
            lambda: _apply_in_vain(store, change),
        ):
            started = time.monotonic()
            with pytest.raises(StoreUnavailable):
                use()
            assert time.monotonic() - started < 15
    finally:
        server.start()
        server.wait_ready()
    wait_for_ping(part)
    assert _heads(store, assets) == {asset.id: asset for asset in assets}


def _apply_in_vain(store: CassandraAssetStore, change: Change) -> None:
    """Refused before it was sent or, where the driver had not noticed the death yet, unknown."""
    (outcome,) = store.apply([change])
    assert outcome.verdict is Verdict.UNKNOWN
    raise StoreUnavailable


def _heads(store: CassandraAssetStore, assets: list[Asset]) -> dict[Any, Asset]:
    deadline = time.monotonic() + 30
    while True:
        try:
            return store.heads([asset.id for asset in assets])
        except StoreUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_step_sent_to_a_server_that_hangs_is_unknown_and_may_be_repeated(
    part: CassandraPart, server: ProcessServer, ca_file: Path
) -> None:
    quick = new_part(server, cassandra_tls_ca=ca_file, cassandra_timeout_s=1)
    store = CassandraAssetStore(quick.session)
    (first,) = write(store, creation())
    (second,) = write(store, step(first))
    change = step(second, name="sent into the dark")
    assert part.ping()

    server.pause()
    try:
        (outcome,) = store.apply([change])
    finally:
        server.resume()

    assert outcome.verdict is Verdict.UNKNOWN
    wait_for_ping(quick)
    (outcome,) = store.apply([change])
    assert outcome.verdict is Verdict.APPLIED
    assert head(store, first.id) == change.after
    assert [version.version for version in store.version_page(first.id, None, 9)] == [3, 2, 1]
    quick.close()
