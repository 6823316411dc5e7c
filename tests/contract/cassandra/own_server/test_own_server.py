"""A Cassandra that asks for a login, speaks TLS, passes few tombstones, and goes away and comes back."""

import time
from pathlib import Path
from typing import Any

import pytest

from amp.adapters.cassandra.asset_store import CassandraAssetStore
from amp.adapters.cassandra.component import CassandraComponent
from amp.domain.assets import Asset, Change
from amp.errors import StoreUnavailable
from amp.ports.asset_store import CommitStatus
from tests.contract.cassandra.own_server.conftest import new_part, wait_for_ping
from tests.support.asset_samples import creation, head, intent_for, step, write
from tests.support.stack.process_server import ProcessServer

pytestmark = pytest.mark.cluster


def test_writing_with_login_and_tls(part: CassandraComponent) -> None:
    store = CassandraAssetStore(part.session)
    (asset,) = write(store, creation())
    assert head(store, asset.id) == asset


def test_a_wrong_login_or_certificate_is_reported(
    part: CassandraComponent, server: ProcessServer, ca_file: Path
) -> None:
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
    part: CassandraComponent, server: ProcessServer
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
    assert outcome.status is CommitStatus.UNKNOWN
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
    part: CassandraComponent, server: ProcessServer, ca_file: Path
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

    assert outcome.status is CommitStatus.UNKNOWN
    wait_for_ping(quick)
    (outcome,) = store.apply([change])
    assert outcome.status is CommitStatus.APPLIED
    assert head(store, first.id) == change.after
    assert [version.version for version in store.version_page(first.id, None, 9)] == [3, 2, 1]
    quick.close()
