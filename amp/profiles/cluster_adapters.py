"""The adapters of the cluster profile: Cassandra, Kafka, Elasticsearch and Redis."""

from amp.adapters.cassandra.asset_listing import CassandraAssetListing
from amp.adapters.cassandra.asset_store import CassandraAssetStore
from amp.adapters.cassandra.bucket_registry import CassandraBucketRegistry
from amp.adapters.cassandra.claims import CassandraClaims
from amp.adapters.cassandra.component import CassandraComponent
from amp.adapters.cassandra.dead_letters import CassandraDeadLetters
from amp.adapters.cassandra.found_ids import CassandraFoundIds
from amp.adapters.cassandra.intent_log import CassandraIntentLog
from amp.adapters.cassandra.job_chunks import CassandraJobChunks
from amp.adapters.cassandra.job_ids import CassandraJobIds
from amp.adapters.cassandra.job_log import CassandraJobLog
from amp.adapters.cassandra.leases import CassandraLeases
from amp.adapters.cassandra.session import CassandraSession
from amp.adapters.cassandra.shared_values import CassandraSharedValues
from amp.adapters.cassandra.type_registry import CassandraTypeRegistry
from amp.adapters.clock import SystemClock
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
from amp.ports.background import Background
from amp.profiles.adapters import Adapters
from amp.settings import Settings


def cluster_adapters(settings: Settings, background: Background) -> Adapters:
    """See `amp.profiles.cluster`."""
    session = CassandraSession(settings)
    client = ElasticsearchClient(settings)
    queue = KafkaMessageQueue(settings, background)
    cache = RedisCache(settings)
    return Adapters(
        clock=SystemClock(),
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
        found_ids=CassandraFoundIds(session),
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
