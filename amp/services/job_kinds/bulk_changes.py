"""Changes many assets for a job: each exactly once, and never over a change that it has not read."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from tenacity import RetryError, TryAgain

from amp.domain.assets import Asset, Change, State, content_bytes
from amp.domain.changes import Stamp
from amp.domain.chunks import ItemOutcome, ItemResult
from amp.domain.jobs import AssetJob
from amp.errors import OutcomeUnknown, Unprocessable
from amp.ports.asset_store import AssetReads, CommitStatus
from amp.ports.clock import Clock
from amp.services.assets.edit import ATTEMPTS
from amp.services.jobs.head_selection import HeadSelection
from amp.services.jobs.processor import SKIP_MISSING
from amp.services.outbox.commit import ChangeCommitter
from amp.services.runtime.retry import Backoff, attempts
from amp.services.runtime.step_size import StepSize

#: Returns the change of an asset, None if it needs none, or a text that says why it is skipped. May raise
#: `Unprocessable`.
Step = Callable[[Asset, Stamp], Change | str | None]

_RACES = Backoff(first_s=0.02)
#: Copies of an asset in memory: before the change, after it, and as it is written.
_IN_MEMORY = 3
_NOT_SELECTED = "it does not match the selector"


@dataclass(frozen=True, kw_only=True)
class BulkChanges:
    """Applies the changes of a job. The change of one asset in one job always has the same id. If the asset's revisions
    contain that id, the change was applied, so a repeated item is applied only once. If another writer won, the change
    is recomputed on top of the new head, provided that the selector still covers it.
    """

    store: AssetReads
    committer: ChangeCommitter
    selection: HeadSelection
    clock: Clock
    _step_size: StepSize = field(default_factory=StepSize, init=False)

    def run(self, job: AssetJob, ids: Sequence[UUID], step: Step) -> dict[UUID, ItemResult]:
        """Change these assets and return the outcome of each; in a dry run, the outcome that each would have.

        :raises StoreUnavailable, OutcomeUnknown: some may be changed; all of them may be retried.
        """
        selected = self.selection.test(job.parameters.selector)
        results: dict[UUID, ItemResult] = {}
        for some in self._step_size.steps(deque(ids)):
            results |= self._run(job, some, selected, step)
        return results

    def _run(
        self, job: AssetJob, ids: Sequence[UUID], selected: Callable[[Asset], bool], step: Step
    ) -> dict[UUID, ItemResult]:
        results: dict[UUID, ItemResult] = {}
        pending = list(ids)

        def change_pending() -> None:
            nonlocal pending
            attempt = self._attempt(job, pending, selected, step)
            results.update(attempt.results)
            pending = attempt.refused
            if pending:
                raise TryAgain

        try:
            attempts(self.clock, ATTEMPTS, _RACES)(change_pending)
        except RetryError:
            results |= {
                asset_id: ItemResult(ItemOutcome.FAILED, "other writers kept changing it") for asset_id in pending
            }
        return results

    def _attempt(self, job: AssetJob, ids: Sequence[UUID], selected: Callable[[Asset], bool], step: Step) -> "_Attempt":
        heads = self.store.heads(ids)
        self._step_size.note(max((_IN_MEMORY * content_bytes(head) for head in heads.values()), default=0))
        steps = {asset_id: self._step(job, heads.get(asset_id), selected, step, asset_id) for asset_id in ids}
        changes = [change for change in steps.values() if isinstance(change, Change)]
        results = {asset_id: result for asset_id, result in steps.items() if isinstance(result, ItemResult)}
        if job.dry_run:
            return _Attempt(results | {change.after.id: ItemResult(ItemOutcome.CHANGED) for change in changes}, [])
        unchanged = {asset_id: _change_id(job, asset_id) for asset_id in results if asset_id in heads}
        if unchanged:
            # There may be nothing to do because this job has changed it before.
            results |= {asset_id: ItemResult(ItemOutcome.CHANGED) for asset_id in self.store.applied(unchanged)}
        refused = list(self._commit(changes))
        results |= {
            change.after.id: ItemResult(ItemOutcome.CHANGED) for change in changes if change.after.id not in refused
        }
        return _Attempt(results, refused)

    def _step(
        self, job: AssetJob, head: Asset | None, selected: Callable[[Asset], bool], step: Step, asset_id: UUID
    ) -> Change | ItemResult:
        if head is None or head.state is State.PURGED:
            # The job itself may have purged it.
            return ItemResult(ItemOutcome.SKIPPED, SKIP_MISSING)
        if not selected(head):
            return ItemResult(ItemOutcome.SKIPPED, _NOT_SELECTED)
        stamp = Stamp(principal=job.requested_by, at_ms=self.clock.now_ms(), change_id=_change_id(job, asset_id))
        try:
            change = step(head, stamp)
        except Unprocessable as e:
            return ItemResult(ItemOutcome.FAILED, _description(e))
        if isinstance(change, Change):
            return change
        return ItemResult(ItemOutcome.SKIPPED, change) if change else ItemResult(ItemOutcome.DONE)

    def _commit(self, changes: Sequence[Change]) -> Iterator[UUID]:
        """Commit the changes. Return the assets whose change was refused because another writer won.

        :raises OutcomeUnknown: some outcomes are unknown.
        """
        if not changes:
            return
        outcomes = self.committer.commit(changes)
        if any(outcome.status is CommitStatus.UNKNOWN for outcome in outcomes):
            raise OutcomeUnknown
        for change, outcome in zip(changes, outcomes, strict=True):
            if outcome.status is not CommitStatus.APPLIED:
                yield change.after.id


@dataclass(frozen=True, slots=True)
class _Attempt:
    results: dict[UUID, ItemResult]
    refused: list[UUID]  #: assets that another writer changed first


def _change_id(job: AssetJob, asset_id: UUID) -> UUID:
    return uuid5(job.id, asset_id.hex)


def _description(error: Unprocessable) -> str:
    faults = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in error.faults[:5])
    return f"{error.message}: {faults}" if faults else error.message
