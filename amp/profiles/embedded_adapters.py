"""The adapters of the embedded profile: SQLite and the memory of this process."""

from amp.adapters.clock import SystemClock
from amp.adapters.embedded.asset_listing import SqliteAssetListing
from amp.adapters.embedded.asset_store import SqliteAssetStore
from amp.adapters.embedded.bucket_registry import SqliteBucketRegistry
from amp.adapters.embedded.cache import MemoryCache
from amp.adapters.embedded.claims import SqliteClaims
from amp.adapters.embedded.database import Database
from amp.adapters.embedded.dead_letters import SqliteDeadLetters
from amp.adapters.embedded.found_ids import SqliteFoundIds
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
from amp.profiles.adapters import Adapters
from amp.settings import Settings


def embedded_adapters(settings: Settings, *, create: bool) -> Adapters:
    """See `amp.profiles.embedded`."""
    max_write_bytes = max(settings.max_asset_bytes, settings.max_bulk_bytes)
    db = Database(settings.data_dir, create=create, max_write_bytes=max_write_bytes)
    search_db = SearchDatabase(settings.data_dir, max_write_bytes=max_write_bytes)
    pairing = Pairing(db, search_db)
    pairing.join()
    return Adapters(
        clock=SystemClock(),
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
        found_ids=SqliteFoundIds(db),
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
