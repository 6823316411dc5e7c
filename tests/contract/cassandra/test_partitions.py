"""The partition of an asset stays bounded, however often the asset changes."""

import uuid
from collections.abc import Iterator

import pytest

from amp.adapters.cassandra.asset_store import CassandraAssetStore
from amp.adapters.cassandra.component import CassandraComponent
from amp.adapters.cassandra.session import CassandraSession
from amp.domain.assets import Asset, ChangeKind, version_of
from amp.domain.retention import Retention
from amp.ports.asset_store import CommitResult, CommitStatus
from amp.settings import load_settings
from tests.support.asset_samples import creation, head, step, write

pytestmark = pytest.mark.cluster

KEPT = 10
RETENTION = Retention(revisions_kept=50, random_change_s=600, derived_change_s=6_000)


@pytest.fixture(scope="module")
def session(cluster_settings: dict[str, str]) -> Iterator[CassandraSession]:
    session = CassandraSession(
        load_settings({name.removeprefix("AMP_").lower(): value for name, value in cluster_settings.items()})
    )
    part = CassandraComponent(session)
    part.migrate()
    yield session
    part.close()


@pytest.fixture
def store(session: CassandraSession) -> CassandraAssetStore:
    return CassandraAssetStore(session, RETENTION)


def changed(store: CassandraAssetStore, asset: Asset, times: int) -> Asset:
    for _ in range(times):
        (asset,) = write(store, step(asset, dropped=asset.version + 1 - KEPT if asset.version >= KEPT else None))
    return asset


def test_versions_and_revisions_past_those_kept_leave_the_partition(
    session: CassandraSession, store: CassandraAssetStore
) -> None:
    (first,) = write(store, creation())
    asset = changed(store, first, 199)

    assert head(store, asset.id) == asset
    rows = session.run("SELECT row_kind, number FROM {ks}.assets WHERE id = ?", (asset.id,))
    assert [number for kind, number in rows if kind == "version"] == list(range(200, 190, -1))
    assert [number for kind, number in rows if kind == "revision"] == list(range(200, 150, -1))
    assert store.version_page(asset.id, None, 1) == [version_of(asset)]


def test_a_change_is_remembered_for_as_long_as_it_may_be_repeated(
    session: CassandraSession, store: CassandraAssetStore
) -> None:
    (first,) = write(store, creation())
    derived = uuid.uuid5(uuid.uuid4(), str(first.id))
    (labelled,) = write(store, step(first, ChangeKind.LABELLED, change_id=derived))
    asset = changed(store, labelled, 150)

    cql = "SELECT change_id, TTL(row_revision) FROM {ks}.assets WHERE id = ? AND row_kind = 'change'"
    seconds = dict(session.run(cql, (asset.id,)))
    assert 5_900 < seconds[derived] <= 6_000
    assert 500 < seconds[first.change_id] <= 600
    # Its revision is long forgotten.
    assert store.applied({asset.id: derived}) == {asset.id}
    repeated = step(asset, ChangeKind.LABELLED, change_id=derived)
    assert store.apply([repeated]) == [CommitResult(CommitStatus.APPLIED)]
    assert head(store, asset.id) == asset
