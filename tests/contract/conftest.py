"""The adapters of the store's ports, embedded and Cassandra, each as one set."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from amp.ports.asset_listing import AssetListing
from amp.ports.asset_store import AssetStore
from amp.ports.bucket_registry import BucketRegistry
from amp.ports.claims import Claims
from amp.ports.dead_letters import DeadLetters
from amp.ports.intent_log import IntentLog
from amp.ports.job_chunks import JobChunks
from amp.ports.job_log import JobLog
from amp.ports.leases import Leases
from amp.ports.part import Part
from amp.ports.shared_values import SharedValues
from amp.ports.type_registry import TypeRegistry
from amp.settings import Settings, load_settings


@dataclass(frozen=True, kw_only=True)
class StoreSet:
    """What one store offers. Tests may share it, so each uses ids and names of its own."""

    assets: AssetStore
    listing: AssetListing
    intents: IntentLog
    claims: Claims
    types: TypeRegistry
    buckets: BucketRegistry
    shared: SharedValues
    jobs: JobLog
    chunks: JobChunks
    letters: DeadLetters
    leases: Leases
    part: Part


STORES = ["embedded", pytest.param("cassandra", marks=pytest.mark.cluster)]


@pytest.fixture(params=STORES)
def store_set(request: pytest.FixtureRequest) -> StoreSet:
    """A store that is ready for use; Cassandra's is shared by all tests of the run."""
    return request.getfixturevalue(f"_{request.param}_set")


@pytest.fixture(params=STORES)
def fresh_store_set(request: pytest.FixtureRequest) -> StoreSet:
    """A store that nobody wrote to."""
    return request.getfixturevalue(f"_fresh_{request.param}_set")


@pytest.fixture(params=STORES)
def unmade_store_set(request: pytest.FixtureRequest) -> StoreSet:
    """A store that nothing was made in yet."""
    return request.getfixturevalue(f"_unmade_{request.param}_set")


@pytest.fixture
def _unmade_embedded_set(tmp_path: Path) -> Iterator[StoreSet]:
    from amp.adapters.embedded.asset_listing import SqliteAssetListing
    from amp.adapters.embedded.asset_store import SqliteAssetStore
    from amp.adapters.embedded.bucket_registry import SqliteBucketRegistry
    from amp.adapters.embedded.claims import SqliteClaims
    from amp.adapters.embedded.database import Database
    from amp.adapters.embedded.dead_letters import SqliteDeadLetters
    from amp.adapters.embedded.intent_log import SqliteIntentLog
    from amp.adapters.embedded.job_chunks import SqliteJobChunks
    from amp.adapters.embedded.job_log import SqliteJobLog
    from amp.adapters.embedded.leases import SqliteLeases
    from amp.adapters.embedded.shared_values import SqliteSharedValues
    from amp.adapters.embedded.store_part import SqliteStorePart
    from amp.adapters.embedded.type_registry import SqliteTypeRegistry

    database = Database(tmp_path)
    with closing(SqliteStorePart(database)) as part:
        yield StoreSet(
            assets=SqliteAssetStore(database),
            listing=SqliteAssetListing(database),
            intents=SqliteIntentLog(database),
            claims=SqliteClaims(database),
            types=SqliteTypeRegistry(database),
            buckets=SqliteBucketRegistry(database),
            shared=SqliteSharedValues(database),
            jobs=SqliteJobLog(database),
            chunks=SqliteJobChunks(database),
            letters=SqliteDeadLetters(database),
            leases=SqliteLeases(database),
            part=part,
        )


@pytest.fixture
def _embedded_set(_unmade_embedded_set: StoreSet) -> StoreSet:
    _unmade_embedded_set.part.migrate()
    return _unmade_embedded_set


@pytest.fixture
def _fresh_embedded_set(_embedded_set: StoreSet) -> StoreSet:
    return _embedded_set


@pytest.fixture(scope="session")
def _cassandra_set(cluster_settings: dict[str, str]) -> Iterator[StoreSet]:
    with closing(_cassandra_part(settings_of(cluster_settings))) as part:
        part.migrate()
        yield _cassandra_adapters(part)


@pytest.fixture
def _unmade_cassandra_set(fresh_cluster_settings: dict[str, str]) -> Iterator[StoreSet]:
    with closing(_cassandra_part(settings_of(fresh_cluster_settings))) as part:
        yield _cassandra_adapters(part)


@pytest.fixture
def _fresh_cassandra_set(_unmade_cassandra_set: StoreSet) -> StoreSet:
    _unmade_cassandra_set.part.migrate()
    return _unmade_cassandra_set


def settings_of(variables: dict[str, str], **overrides: object) -> Settings:
    return load_settings({name.removeprefix("AMP_").lower(): value for name, value in variables.items()} | overrides)


def _cassandra_part(settings: Settings) -> Part:
    from amp.adapters.cassandra.part import CassandraPart
    from amp.adapters.cassandra.session import CassandraSession

    return CassandraPart(CassandraSession(settings))


def _cassandra_adapters(part: Part) -> StoreSet:
    from amp.adapters.cassandra.asset_listing import CassandraAssetListing
    from amp.adapters.cassandra.asset_store import CassandraAssetStore
    from amp.adapters.cassandra.bucket_registry import CassandraBucketRegistry
    from amp.adapters.cassandra.claims import CassandraClaims
    from amp.adapters.cassandra.dead_letters import CassandraDeadLetters
    from amp.adapters.cassandra.intent_log import CassandraIntentLog
    from amp.adapters.cassandra.job_chunks import CassandraJobChunks
    from amp.adapters.cassandra.job_log import CassandraJobLog
    from amp.adapters.cassandra.leases import CassandraLeases
    from amp.adapters.cassandra.part import CassandraPart
    from amp.adapters.cassandra.shared_values import CassandraSharedValues
    from amp.adapters.cassandra.type_registry import CassandraTypeRegistry

    assert isinstance(part, CassandraPart)
    session = part.session
    return StoreSet(
        assets=CassandraAssetStore(session),
        listing=CassandraAssetListing(session),
        intents=CassandraIntentLog(session),
        claims=CassandraClaims(session),
        types=CassandraTypeRegistry(session),
        buckets=CassandraBucketRegistry(session),
        shared=CassandraSharedValues(session),
        jobs=CassandraJobLog(session),
        chunks=CassandraJobChunks(session),
        letters=CassandraDeadLetters(session),
        leases=CassandraLeases(session),
        part=part,
    )
