"""Builds the services that compare the search index with the source of truth and repair it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from amp.domain.selectors import Selector
from amp.profiles import Adapters
from amp.services.consistency.check import AssetCheck, AssetRepair, DifferenceConfirmation
from amp.services.consistency.compare import DocumentComparison
from amp.services.consistency.compare_names import NameComparison
from amp.services.consistency.continuous import ContinuousCheck
from amp.services.consistency.found_assets import FoundAssets
from amp.services.consistency.mismatches import MismatchSelection
from amp.services.indexing.wait import IndexingWait
from amp.services.jobs.processor import Processor
from amp.services.jobs.submit import JobSubmission
from amp.settings import Settings
from amp.wiring.assets import AssetServices
from amp.wiring.buckets import BucketServices
from amp.wiring.holder import new_holder
from amp.wiring.indexing import IndexingServices
from amp.wiring.types import TypeServices


@dataclass(frozen=True, kw_only=True)
class ConsistencyServices:
    processors: Mapping[str, Processor]  #: by kind of job
    #: Creates the selection of one job; see `JobSelections`.
    mismatches: Callable[[UUID, Selector, bool], MismatchSelection]


def consistency_services(
    settings: Settings,
    adapters: Adapters,
    types: TypeServices,
    buckets: BucketServices,
    assets: AssetServices,
    indexing: IndexingServices,
) -> ConsistencyServices:
    names, maps = NameComparison(store=adapters.store, claims=adapters.claims), buckets.maps
    comparison = DocumentComparison(
        store=adapters.store,
        listing=adapters.listing,
        builder=indexing.builder,
        documents=adapters.documents,
        maps=maps,
        catalog=types.catalog,
        names=names,
    )
    confirmation = DifferenceConfirmation(
        document_comparison=comparison,
        intents=adapters.intents,
        indexed=IndexingWait(queue=adapters.queue, clock=adapters.clock),
        indices=adapters.indices,
        maps=maps,
        clock=adapters.clock,
        grace_s=settings.intent_grace_s,
    )
    repair = AssetRepair(
        confirmation=confirmation,
        document_comparison=comparison,
        indexer=indexing.indexer,
        document_remover=indexing.document_remover,
        indices=adapters.indices,
        listing=adapters.listing,
        claims=adapters.claims,
        name_release=assets.name_release,
        maps=maps,
        clock=adapters.clock,
    )

    def mismatches(job_id: UUID, selector: Selector, deep: bool) -> MismatchSelection:
        return MismatchSelection(
            found=FoundAssets(ids=adapters.found_ids, job_id=job_id),
            listing=adapters.listing,
            store=adapters.store,
            documents=adapters.documents,
            maps=maps,
            names=names,
            selector=selector,
            deep=deep,
            versions_kept=settings.versions_kept,
        )

    return ConsistencyServices(
        processors={"check": AssetCheck(confirmation=confirmation), "fix": repair},
        mismatches=mismatches,
    )


def continuous_check(settings: Settings, adapters: Adapters, submission: JobSubmission) -> ContinuousCheck:
    return ContinuousCheck(
        adapters.jobs,
        submission,
        adapters.leases,
        adapters.clock,
        holder=new_holder(),
        rate=settings.continuous_check_rate,
    )
