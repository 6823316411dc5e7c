"""Indexes assets again from the source of truth, as if they had just changed."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from amp.domain.chunks import ItemOutcome, ItemResult
from amp.domain.job_parameters import AssetJobParameters
from amp.domain.jobs import AssetJob
from amp.services.indexing.handle import AssetIndexer
from amp.services.jobs.processor import SKIP_MISSING


@dataclass(frozen=True, kw_only=True)
class AssetReindex:
    """A `Processor` that writes all documents of an asset again, including superseded versions and tombstones."""

    changes = False
    selects_mismatches = False

    indexer: AssetIndexer

    def check(self, parameters: AssetJobParameters) -> None:
        pass

    def process(self, job: AssetJob, ids: Sequence[UUID], stop: threading.Event) -> Mapping[UUID, ItemResult]:  # noqa: ARG002
        indexed = self.indexer.index_all(ids, stop)
        return {
            asset_id: ItemResult(ItemOutcome.FAILED, indexed.rejected[asset_id])
            if asset_id in indexed.rejected
            else ItemResult(ItemOutcome.DONE)
            if asset_id in indexed.known
            else ItemResult(ItemOutcome.SKIPPED, SKIP_MISSING)
            for asset_id in ids
            if asset_id not in indexed.refused
        }
