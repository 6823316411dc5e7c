"""Changes of a job on the embedded store, with others that write in between."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from amp.adapters.embedded.asset_store import SqliteAssetStore
from amp.adapters.embedded.database import Database
from amp.adapters.embedded.intent_log import SqliteIntentLog
from amp.adapters.embedded.store_component import SqliteStoreComponent
from amp.adapters.embedded.type_registry import SqliteTypeRegistry
from amp.domain.assets import Asset, Change, State
from amp.domain.changes import Content, Stamp, deletion, replacement
from amp.domain.chunks import ItemOutcome, ItemResult
from amp.domain.job_parameters import AssetJobParameters
from amp.domain.jobs import AssetJob
from amp.domain.limits import SearchLimits
from amp.domain.messages import Intent
from amp.domain.selectors import Selector
from amp.errors import StoreUnavailable
from amp.metrics import Metrics
from amp.ports import asset_store
from amp.ports.asset_store import CommitStatus
from amp.services.job_kinds.bulk_changes import BulkChanges
from amp.services.jobs.head_selection import HeadSelection
from amp.services.outbox.commit import ChangeCommitter
from amp.services.search.resolve import QueryResolver
from amp.services.types.catalog import TypeCatalog
from tests.support.asset_samples import creation, now_ms, step, write
from tests.support.clock import ManualClock
from tests.support.jobs.job_log import asset_job

CHANGED, DONE = ItemResult(ItemOutcome.CHANGED), ItemResult(ItemOutcome.DONE)


class NoPublisher:
    """The relay would bring the events."""

    def publish(self, intents: Sequence[Intent]) -> None:
        pass


class Store(SqliteAssetStore):
    """Lets others in between, and loses answers."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        #: Runs before the next changes are applied; runs out.
        self.before: list[Callable[[], object]] = []
        #: What becomes of the next calls: 'lost' after the change, 'unsent' before it, 'down' without any of it.
        self.answers: list[str] = []
        self.applied_count = 0

    def apply(self, changes: Sequence[Change]) -> list[asset_store.CommitResult]:
        if self.before:
            self.before.pop(0)()
        answer = self.answers.pop(0) if self.answers else ""
        if answer == "down":
            raise StoreUnavailable
        self.applied_count += len(changes)
        outcomes = super().apply(changes) if answer != "unsent" else []
        return outcomes if not answer else [asset_store.CommitResult(CommitStatus.UNKNOWN)] * len(changes)


@dataclasses.dataclass
class Environment:
    store: Store
    bulk_changes: BulkChanges
    clock: ManualClock
    types: SqliteTypeRegistry

    def head(self, asset_id: UUID) -> Asset:
        return self.store.heads([asset_id])[asset_id]

    def others(self, asset_id: UUID, **values: Any) -> Asset:
        """What another caller makes of the asset."""
        before, answers = self.store.before, self.store.answers
        self.store.before, self.store.answers = [], []
        [after] = write(self.store, step(self.head(asset_id), **values))
        self.store.before, self.store.answers = before, answers
        return after

    def made(self, how_many: int = 1, **values: Any) -> list[UUID]:
        return [asset.id for asset in write(self.store, *[creation(**values) for _ in range(how_many)])]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Environment]:
    with contextlib.closing(Database(tmp_path)) as database:
        SqliteStoreComponent(database).migrate()
        store, clock = Store(database), ManualClock(epoch_ms=now_ms())
        intents = SqliteIntentLog(database)
        committer = ChangeCommitter(
            store=store, intents=intents, publisher=NoPublisher(), clock=clock, metrics=Metrics(), intent_grace_s=5.0
        )  # type: ignore[arg-type]
        catalog = TypeCatalog(SqliteTypeRegistry(database), clock, 60)
        selection = HeadSelection(resolver=QueryResolver(catalog=catalog, limits=SearchLimits()), catalog=catalog)
        yield Environment(
            store,
            BulkChanges(store=store, committer=committer, selection=selection, clock=clock),
            clock,
            SqliteTypeRegistry(database),
        )


def a_job(selector: Selector | None = None, *, dry_run: bool = False) -> AssetJob:
    parameters = AssetJobParameters(selector=selector or Selector(), dry_run=dry_run)
    return asset_job(kind="test", parameters=parameters, requested_by="olga")


def _content(before: Asset, **metadata: object) -> Content:
    return Content(
        name=before.name,
        metadata={**before.metadata, **metadata},  # type: ignore[dict-item]
        labels=before.labels,
        type_version=before.type_version,
    )


def set_camera(before: Asset, stamp: Stamp) -> Change | None:
    """None once it is so."""
    return replacement(before, _content(before, cameraId=9), stamp, 5)


def add_one(before: Asset, stamp: Stamp) -> Change | None:
    """Never done."""
    return replacement(before, _content(before, cameraId=before.metadata["cameraId"] + 1), stamp, 5)  # type: ignore[operator]


def delete(before: Asset, stamp: Stamp) -> Change | str | None:
    return "it is deleted" if before.state is State.DELETED else deletion(before, stamp)
