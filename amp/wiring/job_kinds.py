"""The registry of processors: what kinds of jobs over assets there are."""

from collections.abc import Mapping

from amp.adapter_sets import Adapters
from amp.services.await_indexed import AwaitIndexed
from amp.services.bucket_maps import BucketMaps
from amp.services.change_in_jobs import ChangeInJobs
from amp.services.change_states import MigrateTypes, deleting, restoring
from amp.services.check_assets import CheckAssets, ConfirmDifferences, FixAssets
from amp.services.check_content import CheckContent
from amp.services.compare_documents import CompareDocuments
from amp.services.compare_names import CompareNames
from amp.services.processors import Processor
from amp.services.purge_assets import PurgeAssets
from amp.services.reindex_assets import ReindexAssets
from amp.services.release_names import ReleaseNames
from amp.services.type_catalog import TypeCatalog
from amp.services.update_metadata import UpdateMetadata
from amp.settings import Settings
from amp.wiring.indexing import IndexServices


def job_kinds(
    settings: Settings,
    a: Adapters,
    indexing: IndexServices,
    changer: ChangeInJobs,
    checker: CheckContent,
    catalog: TypeCatalog,
    maps: BucketMaps,
) -> Mapping[str, Processor]:
    """What does the work of each kind of job."""
    indexer, releaser = indexing.indexer, ReleaseNames(a.store, a.claims)
    purger = PurgeAssets(
        changer, a.store, a.listing, a.claims, releaser, indexing.remover,
        retention_s=settings.purge_after_s, versions_kept=settings.versions_kept,
    )  # fmt: skip
    comparer = CompareDocuments(
        a.store, a.listing, indexer, a.documents, maps, catalog, CompareNames(a.store, a.claims)
    )
    indexed = AwaitIndexed(a.queue, a.clock)
    confirm = ConfirmDifferences(comparer, a.intents, indexed, a.indices, maps, a.clock, settings.intent_grace_s)
    return {
        "reindex": ReindexAssets(indexer),
        "update-metadata": UpdateMetadata(changer, checker, catalog, a.clock),
        "migrate-type": MigrateTypes(changer, checker, catalog, a.clock),
        "delete": deleting(changer),
        "restore": restoring(changer),
        "purge": purger,
        "check": CheckAssets(confirm),
        "fix": FixAssets(
            confirm, comparer, indexer, indexing.remover, a.indices, a.listing, a.claims, releaser, maps, a.clock
        ),
    }
