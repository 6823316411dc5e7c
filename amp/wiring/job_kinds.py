"""Builds what does the work of each kind of job that changes assets."""

from collections.abc import Mapping

from amp.adapter_sets import Adapters
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
    changes = BulkChanges(adapters.store, outbox.committer, selection, adapters.clock)
    purge = AssetPurge(
        changes, adapters.store, adapters.listing, adapters.claims, assets.name_release, indexing.remover,
        retention_s=settings.purge_after_s, versions_kept=settings.versions_kept,
    )  # fmt: skip
    return {
        "reindex": AssetReindex(indexing.indexer),
        "update-metadata": MetadataUpdates(changes, assets.validation, types.catalog, adapters.clock),
        "migrate-type": TypeMigration(changes, assets.validation, types.catalog, adapters.clock),
        "delete": deleting(changes),
        "restore": restoring(changes),
        "purge": purge,
    }
