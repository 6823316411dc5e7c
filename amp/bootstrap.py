"""The one place where ports are wired to adapters and handed to the services."""

import functools
import os
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from amp.domain.limits import AssetLimits, SearchLimits
from amp.metrics import Metrics
from amp.ports.asset_listing import AssetListing
from amp.ports.asset_store import AssetStore
from amp.ports.bucket_documents import BucketDocuments
from amp.ports.bucket_indices import BucketIndices
from amp.ports.bucket_registry import BucketRegistry
from amp.ports.cache import Cache
from amp.ports.claims import Claims
from amp.ports.clock import Clock
from amp.ports.event_queue import EventQueue, Topic
from amp.ports.intent_log import IntentLog
from amp.ports.job_log import JobLog
from amp.ports.leases import Leases
from amp.ports.part import Part
from amp.ports.search_index import SearchIndex
from amp.ports.shared_values import SharedValues
from amp.ports.type_registry import TypeRegistry
from amp.services.await_searchable import AwaitSearchable
from amp.services.bucket_maps import BucketMaps
from amp.services.change_assets import ChangeAssets
from amp.services.check_content import CheckContent
from amp.services.check_health import CheckHealth
from amp.services.claim_names import ClaimNames
from amp.services.commit_changes import CommitChanges
from amp.services.copy_documents import CopyDocuments
from amp.services.create_assets import CreateAssets
from amp.services.cursors import Cursors
from amp.services.index_assets import IndexAssets
from amp.services.migrate import Migrate
from amp.services.move_aliases import MoveAliases
from amp.services.plan_moves import PlanMoves
from amp.services.publish_changes import PublishChanges
from amp.services.put_assets import PutAssets
from amp.services.read_assets import ReadAssets
from amp.services.reconcile_buckets import ReconcileBuckets
from amp.services.register_types import RegisterTypes
from amp.services.relay_intents import RelayIntents
from amp.services.resolve_query import ResolveQuery
from amp.services.run_bucket_worker import RunBucketWorker
from amp.services.run_index_worker import INDEX_GROUP, RunIndexWorker
from amp.services.run_moves import MoveTimes, RunMoves
from amp.services.search_assets import SearchAssets
from amp.services.type_catalog import TypeCatalog
from amp.services.watch_buckets import BucketSizes, WatchBuckets
from amp.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Adapters:
    """One adapter for every port."""

    clock: Clock
    store: AssetStore
    listing: AssetListing
    intents: IntentLog
    claims: Claims
    types: TypeRegistry
    buckets: BucketRegistry
    shared: SharedValues
    jobs: JobLog
    leases: Leases
    queue: EventQueue
    index: SearchIndex
    indices: BucketIndices
    documents: BucketDocuments
    cache: Cache
    parts: tuple[Part, ...]  #: in the order in which they are migrated
    #: Give back what no part does, before the parts.
    closings: tuple[Callable[[], None], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Amp:
    """The whole service of one process: its use cases, and the loops that workers run."""

    settings: Settings
    metrics: Metrics
    adapters: Adapters
    limits: AssetLimits
    register_types: RegisterTypes
    catalog: TypeCatalog
    create_assets: CreateAssets
    change_assets: ChangeAssets
    read_assets: ReadAssets
    put_assets: PutAssets
    search_assets: SearchAssets
    await_searchable: AwaitSearchable
    cursors: Cursors
    check_health: CheckHealth
    migrate: Migrate
    publisher: PublishChanges
    indexer: IndexAssets
    relay: RelayIntents
    plan_moves: PlanMoves
    reconcile: ReconcileBuckets
    #: Worker kind → its loop, which runs until the event is set.
    workers: Mapping[str, Callable[[threading.Event], None]]

    def close(self) -> None:
        """Let published events be delivered, then give back connections and files."""
        self.publisher.close(self.settings.graceful_stop_s / 2)
        for close in (*self.adapters.closings, *(part.close for part in self.adapters.parts)):
            close()


def build(settings: Settings) -> Amp:
    """The service on the adapters that the settings name.

    :raises BadSetting, Busy: a setting cannot be used, or another process holds the data folder.
    """
    match settings.profile:
        case "embedded":
            return wire(settings, _embedded(settings))
        case "cluster":
            return wire(settings, _cluster(settings))


def wire(settings: Settings, a: Adapters) -> Amp:
    """The use cases on these adapters."""
    metrics = Metrics()
    metrics.watch_lag(lambda: a.queue.lag(Topic.REALTIME, INDEX_GROUP))
    limits = AssetLimits(
        asset_bytes=settings.max_asset_bytes,
        versions_kept=settings.versions_kept,
        skew_ms=int(settings.id_skew_s * 1000),
    )
    search_limits = SearchLimits(total=settings.total_limit, timeout_s=settings.search_timeout_s)
    catalog = TypeCatalog(a.types, a.clock, settings.types_refresh_s)
    maps = BucketMaps(a.buckets, a.cache, a.clock, settings.map_refresh_s)
    checker = CheckContent(catalog, limits)
    names = ClaimNames(a.store, a.claims, settings.idempotency_ttl_s)
    publisher = PublishChanges(a.queue, a.intents)
    committer = CommitChanges(a.store, a.intents, publisher, a.clock, settings.intent_grace_s)
    cursors = Cursors(_cursor_secret(settings, a.shared))
    aliases = MoveAliases(maps, a.indices)
    indexer = IndexAssets(a.store, catalog, a.index, maps, aliases, metrics, settings.versions_kept)
    index_worker = RunIndexWorker(a.queue, indexer, metrics, batch=settings.index_batch)
    relay = RelayIntents(a.intents, a.store, a.queue, a.clock, metrics)
    plan_moves = PlanMoves(maps, a.indices, a.documents, a.jobs, a.clock, settings.elasticsearch_index_prefix)
    reconcile = ReconcileBuckets(maps, a.indices, settings.elasticsearch_index_prefix)
    bucket_worker = _bucket_worker(settings, a, maps, aliases, plan_moves, reconcile)
    creator = CreateAssets(names, committer, checker, a.clock)
    changer = ChangeAssets(a.store, committer, checker, a.clock)
    reader = ReadAssets(a.store, a.listing, a.claims)
    return Amp(
        settings=settings,
        metrics=metrics,
        adapters=a,
        limits=limits,
        register_types=RegisterTypes(a.types, catalog, a.clock),
        catalog=catalog,
        create_assets=creator,
        change_assets=changer,
        read_assets=reader,
        put_assets=PutAssets(creator, changer, reader),
        search_assets=SearchAssets(a.index, ResolveQuery(catalog, search_limits), cursors, maps, search_limits),
        await_searchable=AwaitSearchable(a.index, maps, a.clock),
        cursors=cursors,
        check_health=CheckHealth(a.parts),
        migrate=Migrate(a.parts, a.buckets, a.indices, settings.elasticsearch_index_prefix),
        publisher=publisher,
        indexer=indexer,
        relay=relay,
        plan_moves=plan_moves,
        reconcile=reconcile,
        workers={"index": index_worker.run, "relay": relay.run, "bucket": bucket_worker.run},
    )


def _bucket_worker(
    settings: Settings,
    a: Adapters,
    maps: BucketMaps,
    aliases: MoveAliases,
    planner: PlanMoves,
    reconcile: ReconcileBuckets,
) -> RunBucketWorker:
    reader = ThreadPoolExecutor(1, thread_name_prefix="move-read")
    copier = CopyDocuments(a.documents, a.clock, reader)
    # The client waits a little longer than the search takes.
    times = MoveTimes(longest_search=settings.search_timeout_s + 2.0)
    mover = RunMoves(maps, a.indices, a.documents, a.jobs, a.clock, aliases, copier, times)
    sizes = BucketSizes(
        roll_bytes=settings.bucket_roll_bytes,
        roll_documents=settings.bucket_roll_documents,
        roll_lead_s=settings.bucket_roll_lead_s,
        limit_bytes=settings.bucket_limit_bytes,
        split=settings.bucket_split,
        rate=settings.move_rate,
    )
    watch = WatchBuckets(maps, a.indices, planner, a.clock, sizes)
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    return RunBucketWorker(mover, watch, reconcile, a.leases, a.clock, holder=holder, check_s=settings.bucket_check_s)


def _cursor_secret(settings: Settings, shared: SharedValues) -> Callable[[], bytes]:
    if settings.cursor_key is not None:
        given = settings.cursor_key.get_secret_value().encode()
        return lambda: given
    return functools.cache(lambda: shared.get_or_put("cursor-key", secrets.token_bytes(32)))


def _embedded(settings: Settings) -> Adapters:
    from amp.adapters.clock import SystemClock
    from amp.adapters.embedded.asset_listing import SqliteAssetListing
    from amp.adapters.embedded.asset_store import SqliteAssetStore
    from amp.adapters.embedded.bucket_registry import SqliteBucketRegistry
    from amp.adapters.embedded.cache import MemoryCache
    from amp.adapters.embedded.claims import SqliteClaims
    from amp.adapters.embedded.database import Database
    from amp.adapters.embedded.event_queue import SqliteEventQueue
    from amp.adapters.embedded.intent_log import SqliteIntentLog
    from amp.adapters.embedded.job_log import SqliteJobLog
    from amp.adapters.embedded.leases import SqliteLeases
    from amp.adapters.embedded.search_bucket_documents import SqliteBucketDocuments
    from amp.adapters.embedded.search_bucket_indices import SqliteBucketIndices
    from amp.adapters.embedded.search_database import SearchDatabase
    from amp.adapters.embedded.search_index import SqliteSearchIndex
    from amp.adapters.embedded.search_part import SearchPart
    from amp.adapters.embedded.shared_values import SqliteSharedValues
    from amp.adapters.embedded.store_part import SqliteStorePart
    from amp.adapters.embedded.type_registry import SqliteTypeRegistry

    db = Database(settings.data_dir)
    search_db = SearchDatabase(settings.data_dir)
    return Adapters(
        clock=SystemClock(),
        store=SqliteAssetStore(db),
        listing=SqliteAssetListing(db),
        intents=SqliteIntentLog(db),
        claims=SqliteClaims(db),
        types=SqliteTypeRegistry(db),
        buckets=SqliteBucketRegistry(db),
        shared=SqliteSharedValues(db),
        jobs=SqliteJobLog(db),
        leases=SqliteLeases(db),
        queue=SqliteEventQueue(db),
        index=SqliteSearchIndex(search_db),
        indices=SqliteBucketIndices(search_db),
        documents=SqliteBucketDocuments(search_db),
        cache=MemoryCache(),
        parts=(SqliteStorePart(db), SearchPart(search_db)),
    )


def _cluster(settings: Settings) -> Adapters:
    from amp.adapters.cassandra.asset_listing import CassandraAssetListing
    from amp.adapters.cassandra.asset_store import CassandraAssetStore
    from amp.adapters.cassandra.bucket_registry import CassandraBucketRegistry
    from amp.adapters.cassandra.claims import CassandraClaims
    from amp.adapters.cassandra.intent_log import CassandraIntentLog
    from amp.adapters.cassandra.job_log import CassandraJobLog
    from amp.adapters.cassandra.leases import CassandraLeases
    from amp.adapters.cassandra.part import CassandraPart
    from amp.adapters.cassandra.session import CassandraSession
    from amp.adapters.cassandra.shared_values import CassandraSharedValues
    from amp.adapters.cassandra.type_registry import CassandraTypeRegistry
    from amp.adapters.clock import SystemClock
    from amp.adapters.elasticsearch.bucket_documents import ElasticsearchBucketDocuments
    from amp.adapters.elasticsearch.bucket_indices import ElasticsearchBucketIndices
    from amp.adapters.elasticsearch.client import ElasticsearchClient
    from amp.adapters.elasticsearch.part import ElasticsearchPart
    from amp.adapters.elasticsearch.search_index import ElasticsearchSearchIndex
    from amp.adapters.kafka.event_queue import KafkaEventQueue
    from amp.adapters.kafka.part import KafkaPart
    from amp.adapters.redis.cache import RedisCache
    from amp.adapters.redis.part import RedisPart

    session = CassandraSession(settings)
    client = ElasticsearchClient(settings)
    queue = KafkaEventQueue(settings)
    cache = RedisCache(settings)
    return Adapters(
        clock=SystemClock(),
        store=CassandraAssetStore(session),
        listing=CassandraAssetListing(session),
        intents=CassandraIntentLog(session),
        claims=CassandraClaims(session),
        types=CassandraTypeRegistry(session),
        buckets=CassandraBucketRegistry(session),
        shared=CassandraSharedValues(session),
        jobs=CassandraJobLog(session),
        leases=CassandraLeases(session),
        queue=queue,
        index=ElasticsearchSearchIndex(client),
        indices=ElasticsearchBucketIndices(client),
        documents=ElasticsearchBucketDocuments(client),
        cache=cache,
        parts=(CassandraPart(session), KafkaPart(settings), ElasticsearchPart(client), RedisPart(settings)),
        closings=(queue.close, cache.close),
    )
