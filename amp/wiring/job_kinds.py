"""The registry of processors: what kinds of jobs over assets there are."""

from collections.abc import Mapping

from amp.adapter_sets import Adapters
from amp.services.assets.content import CheckContent
from amp.services.assets.release import ReleaseNames
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.consistency.check import CheckAssets, ConfirmDifferences, FixAssets
from amp.services.consistency.compare import CompareDocuments
from amp.services.consistency.compare_names import CompareNames
from amp.services.indexing.wait import AwaitIndexed
from amp.services.job_kinds.bulk_changes import ChangeInJobs
from amp.services.job_kinds.purge import PurgeAssets
from amp.services.job_kinds.reindex import ReindexAssets
from amp.services.job_kinds.states import MigrateTypes, deleting, restoring
from amp.services.job_kinds.update_metadata import UpdateMetadata
from amp.services.jobs.processor import Processor
from amp.services.types.catalog import TypeCatalog
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
