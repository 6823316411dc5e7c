"""The two profiles, embedded and cluster. Each provides one adapter for every port."""

from collections.abc import Callable
from dataclasses import dataclass

from amp.ports.asset_listing import AssetListing
from amp.ports.asset_store import AssetStore
from amp.ports.background import Background
from amp.ports.bucket_documents import BucketDocuments
from amp.ports.bucket_indices import BucketIndices
from amp.ports.bucket_registry import BucketRegistry
from amp.ports.cache import Cache
from amp.ports.claims import Claims
from amp.ports.clock import Clock
from amp.ports.component import Component
from amp.ports.creation_guard import CreationGuard
from amp.ports.dead_letters import DeadLetters
from amp.ports.intent_log import IntentLog
from amp.ports.job_chunks import JobChunks
from amp.ports.job_ids import JobIds
from amp.ports.job_log import JobLog
from amp.ports.leases import Leases
from amp.ports.message_queue import MessageQueue
from amp.ports.search_index import SearchIndex
from amp.ports.shared_values import SharedValues
from amp.ports.type_registry import TypeRegistry
from amp.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Adapters:
    """The adapters of one profile: one for every port."""

    clock: Clock
    store: AssetStore
    listing: AssetListing
    intents: IntentLog
    claims: Claims
    types: TypeRegistry
    buckets: BucketRegistry
    shared: SharedValues
    jobs: JobLog
    chunks: JobChunks
    job_ids: JobIds
    dead_letters: DeadLetters
    leases: Leases
    queue: MessageQueue
    index: SearchIndex
    indices: BucketIndices
    documents: BucketDocuments
    guard: CreationGuard | None  #: None: in this profile, no write can create an index by mistake
    cache: Cache
    components: tuple[Component, ...]  #: in the order in which they are migrated
    #: Release what no component releases. `close` calls them before it closes the components.
    closers: tuple[Callable[[], None], ...] = ()

    def close(self) -> None:
        """Release connections and files."""
        for close in (*self.closers, *(component.close for component in self.components)):
            close()


def system_clock() -> Clock:
    """Return the clock of the machine, which both profiles use."""
    from amp.adapters.clock import SystemClock

    return SystemClock()


def embedded(settings: Settings, *, create: bool = True) -> Adapters:
    """Return the adapters of the embedded profile: SQLite and the memory of this process.

    :param create: create the data folder and the store in it if they do not exist.
    :raises NoData: they do not exist, and `create` is false.
    :raises BadSetting, DataDirLocked: the data folder cannot be used, or another process has locked it.
    """
    from amp.adapters.embedded.asset_listing import SqliteAssetListing
    from amp.adapters.embedded.asset_store import SqliteAssetStore
    from amp.adapters.embedded.bucket_registry import SqliteBucketRegistry
    from amp.adapters.embedded.cache import MemoryCache
    from amp.adapters.embedded.claims import SqliteClaims
    from amp.adapters.embedded.database import Database
    from amp.adapters.embedded.dead_letters import SqliteDeadLetters
    from amp.adapters.embedded.intent_log import SqliteIntentLog
    from amp.adapters.embedded.job_chunks import SqliteJobChunks
    from amp.adapters.embedded.job_ids import SqliteJobIds
    from amp.adapters.embedded.job_log import SqliteJobLog
    from amp.adapters.embedded.leases import MemoryLeases
    from amp.adapters.embedded.message_queue import SqliteMessageQueue
    from amp.adapters.embedded.pairing import Pairing
    from amp.adapters.embedded.search_bucket_documents import SqliteBucketDocuments
    from amp.adapters.embedded.search_bucket_indices import SqliteBucketIndices
    from amp.adapters.embedded.search_component import SearchComponent
    from amp.adapters.embedded.search_database import SearchDatabase
    from amp.adapters.embedded.search_index import SqliteSearchIndex
    from amp.adapters.embedded.shared_values import SqliteSharedValues
    from amp.adapters.embedded.store_component import SqliteStoreComponent
    from amp.adapters.embedded.type_registry import SqliteTypeRegistry
    from amp.adapters.retention import retention_of

    max_write_bytes = max(settings.max_asset_bytes, settings.max_bulk_bytes)
    db = Database(settings.data_dir, create=create, max_write_bytes=max_write_bytes)
    search_db = SearchDatabase(settings.data_dir, max_write_bytes=max_write_bytes)
    pairing = Pairing(db, search_db)
    pairing.join()
    return Adapters(
        clock=system_clock(),
        store=SqliteAssetStore(db, retention_of(settings)),
        listing=SqliteAssetListing(db),
        intents=SqliteIntentLog(db),
        claims=SqliteClaims(db),
        types=SqliteTypeRegistry(db),
        buckets=SqliteBucketRegistry(db),
        shared=SqliteSharedValues(db),
        jobs=SqliteJobLog(db),
        chunks=SqliteJobChunks(db),
        job_ids=SqliteJobIds(db),
        dead_letters=SqliteDeadLetters(db),
        leases=MemoryLeases(),
        queue=SqliteMessageQueue(db),
        index=SqliteSearchIndex(search_db),
        indices=SqliteBucketIndices(search_db),
        documents=SqliteBucketDocuments(search_db),
        guard=None,
        cache=MemoryCache(),
        components=(SqliteStoreComponent(db), SearchComponent(search_db, pairing)),
    )


def cluster(settings: Settings, background: Background) -> Adapters:
    """Return the adapters of the cluster profile, which connect to their servers on first use."""
    from amp.adapters.cassandra.asset_listing import CassandraAssetListing
    from amp.adapters.cassandra.asset_store import CassandraAssetStore
    from amp.adapters.cassandra.bucket_registry import CassandraBucketRegistry
    from amp.adapters.cassandra.claims import CassandraClaims
    from amp.adapters.cassandra.component import CassandraComponent
    from amp.adapters.cassandra.dead_letters import CassandraDeadLetters
    from amp.adapters.cassandra.intent_log import CassandraIntentLog
    from amp.adapters.cassandra.job_chunks import CassandraJobChunks
    from amp.adapters.cassandra.job_ids import CassandraJobIds
    from amp.adapters.cassandra.job_log import CassandraJobLog
    from amp.adapters.cassandra.leases import CassandraLeases
    from amp.adapters.cassandra.session import CassandraSession
    from amp.adapters.cassandra.shared_values import CassandraSharedValues
    from amp.adapters.cassandra.type_registry import CassandraTypeRegistry
    from amp.adapters.elasticsearch.bucket_documents import ElasticsearchBucketDocuments
    from amp.adapters.elasticsearch.bucket_indices import ElasticsearchBucketIndices
    from amp.adapters.elasticsearch.client import ElasticsearchClient
    from amp.adapters.elasticsearch.component import ElasticsearchComponent
    from amp.adapters.elasticsearch.creation_guard import ElasticsearchCreationGuard
    from amp.adapters.elasticsearch.search_index import ElasticsearchSearchIndex
    from amp.adapters.kafka.component import KafkaComponent
    from amp.adapters.kafka.message_queue import KafkaMessageQueue
    from amp.adapters.redis.cache import RedisCache
    from amp.adapters.redis.component import RedisComponent
    from amp.adapters.retention import retention_of

    session = CassandraSession(settings)
    client = ElasticsearchClient(settings)
    queue = KafkaMessageQueue(settings, background)
    cache = RedisCache(settings)
    return Adapters(
        clock=system_clock(),
        store=CassandraAssetStore(session, retention_of(settings)),
        listing=CassandraAssetListing(session),
        intents=CassandraIntentLog(session),
        claims=CassandraClaims(session),
        types=CassandraTypeRegistry(session),
        buckets=CassandraBucketRegistry(session),
        shared=CassandraSharedValues(session),
        jobs=CassandraJobLog(session),
        chunks=CassandraJobChunks(session),
        job_ids=CassandraJobIds(session),
        dead_letters=CassandraDeadLetters(session),
        leases=CassandraLeases(session),
        queue=queue,
        index=ElasticsearchSearchIndex(client),
        indices=ElasticsearchBucketIndices(client),
        documents=ElasticsearchBucketDocuments(client),
        guard=ElasticsearchCreationGuard(client),
        cache=cache,
        components=(
            CassandraComponent(session),
            KafkaComponent(settings),
            ElasticsearchComponent(client),
            RedisComponent(settings),
        ),
        closers=(queue.close, cache.close),
    )
