"""One adapter for every port, as a profile provides them."""

from collections.abc import Callable
from dataclasses import dataclass

from amp.ports.asset_listing import AssetListing
from amp.ports.asset_store import AssetStore
from amp.ports.bucket_documents import BucketDocuments
from amp.ports.bucket_indices import BucketIndices
from amp.ports.bucket_registry import BucketRegistry
from amp.ports.cache import Cache
from amp.ports.claims import Claims
from amp.ports.clock import Clock
from amp.ports.component import Component
from amp.ports.creation_guard import CreationGuard
from amp.ports.dead_letters import DeadLetters
from amp.ports.found_ids import FoundIds
from amp.ports.intent_log import IntentLog
from amp.ports.job_chunks import JobChunks
from amp.ports.job_ids import JobIds
from amp.ports.job_log import JobLog
from amp.ports.leases import Leases
from amp.ports.message_queue import MessageQueue
from amp.ports.search_index import SearchIndex
from amp.ports.shared_values import SharedValues
from amp.ports.type_registry import TypeRegistry


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
    found_ids: FoundIds
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
