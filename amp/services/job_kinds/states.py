"""Deletes, restores and migrates many assets."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from amp.domain.assets import Asset, Change, State
from amp.domain.changes import Stamp, deletion, migration, restoration
from amp.domain.chunks import ItemResult
from amp.domain.job_parameters import AssetJobParameters
from amp.domain.jobs import AssetJob
from amp.errors import Unprocessable
from amp.ports.clock import Clock
from amp.services.assets.content import ContentValidation
from amp.services.job_kinds.bulk_changes import BulkChanges
from amp.services.types.catalog import TypeCatalog


@dataclass(frozen=True, kw_only=True)
class StateChanges:
    """A `Processor` that deletes or restores."""

    changes = True
    selects_mismatches = False

    bulk_changes: BulkChanges
    step: Callable[[Asset, Stamp], Change | None]

    def check(self, parameters: AssetJobParameters) -> None:
        if self.step is restoration and parameters.selector.query is not None:
            detail = "a search finds no deleted assets; use all, type, project, created or ids"
            raise Unprocessable.at("/selector/query", detail)

    def process(self, job: AssetJob, ids: Sequence[UUID], stop: threading.Event) -> Mapping[UUID, ItemResult]:  # noqa: ARG002
        return self.bulk_changes.run(job, ids, self.step)


@dataclass(frozen=True, kw_only=True)
class TypeMigration:
    """A `Processor` that migrates assets to the newest version of their type."""

    changes = True
    selects_mismatches = False

    bulk_changes: BulkChanges
    content_validation: ContentValidation
    catalog: TypeCatalog
    clock: Clock

    def check(self, parameters: AssetJobParameters) -> None:
        pass

    def process(self, job: AssetJob, ids: Sequence[UUID], stop: threading.Event) -> Mapping[UUID, ItemResult]:  # noqa: ARG002
        since_s = self.clock.monotonic_s()
        # Another process may have created the newest version just before the job was submitted.
        self.catalog.refresh()

        def step(before: Asset, stamp: Stamp) -> Change | str | None:
            if before.state is State.DELETED:
                return "it is deleted"
            content = self.content_validation.check(before.type, before.name, before.metadata, before.labels, since_s)
            return migration(before, content, stamp, self.content_validation.limits.versions_kept)

        return self.bulk_changes.run(job, ids, step)


def deleting(bulk_changes: BulkChanges) -> StateChanges:
    return StateChanges(bulk_changes=bulk_changes, step=deletion)


def restoring(bulk_changes: BulkChanges) -> StateChanges:
    return StateChanges(bulk_changes=bulk_changes, step=restoration)
