"""Builds the processor of each kind of job over assets, except for checks and fixes."""

from collections.abc import Mapping

from amp.profiles import Adapters
from amp.services.job_kinds.bulk_changes import BulkChanges
from amp.services.job_kinds.purge import AssetPurge
from amp.services.job_kinds.reindex import AssetReindex
from amp.services.job_kinds.states import TypeMigration, deleting, restoring
from amp.services.job_kinds.update_metadata import MetadataUpdates
from amp.services.jobs.head_selection import HeadSelection
from amp.services.jobs.processor import Processor
from amp.settings import Settings
from amp.wiring.assets import AssetServices
from amp.wiring.indexing import IndexingServices
from amp.wiring.outbox import OutboxServices
from amp.wiring.search import SearchServices
from amp.wiring.types import TypeServices


def job_kinds(
    settings: Settings,
    adapters: Adapters,
    types: TypeServices,
    outbox: OutboxServices,
    assets: AssetServices,
    search: SearchServices,
    indexing: IndexingServices,
) -> Mapping[str, Processor]:
    selection = HeadSelection(resolver=search.resolver, catalog=types.catalog)
    changes = BulkChanges(store=adapters.store, committer=outbox.committer, selection=selection, clock=adapters.clock)
    purge = AssetPurge(
        bulk_changes=changes,
        store=adapters.store,
        listing=adapters.listing,
        claims=adapters.claims,
        name_release=assets.name_release,
        document_remover=indexing.document_remover,
        retention_s=settings.purge_after_s,
        versions_kept=settings.versions_kept,
    )
    return {
        "reindex": AssetReindex(indexer=indexing.indexer),
        "update-metadata": MetadataUpdates(
            bulk_changes=changes, content_validation=assets.validation, catalog=types.catalog, clock=adapters.clock
        ),
        "migrate-type": TypeMigration(
            bulk_changes=changes, content_validation=assets.validation, catalog=types.catalog, clock=adapters.clock
        ),
        "delete": deleting(changes),
        "restore": restoring(changes),
        "purge": purge,
    }
