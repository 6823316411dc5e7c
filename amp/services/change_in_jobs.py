"""Changes assets on behalf of a job: each exactly once, never over a change it has not seen."""

import random
from collections.abc import Callable, Sequence
from uuid import UUID, uuid5

from amp.domain.assets import Asset, Change, State
from amp.domain.changes import Stamp
from amp.domain.chunks import Outcome, Result
from amp.domain.jobs import Job
from amp.domain.selectors import selector_from_json
from amp.errors import OutcomeUnknown, Unprocessable
from amp.ports.asset_store import AssetStore, Verdict
from amp.ports.clock import Clock
from amp.services.change_assets import ATTEMPTS
from amp.services.commit_changes import CommitChanges
from amp.services.processors import SKIP_MISSING

#: The change of an asset; None: it needs none; a text: why it is left out. May raise `Unprocessable`.
Step = Callable[[Asset, Stamp], Change | str | None]


class ChangeInJobs:
    """The change of one asset in one job always has the same id. One that is among the asset's revisions is done, so
    an event that comes again changes nothing twice; one that others were faster than is computed again over theirs.
    """

    def __init__(self, store: AssetStore, committer: CommitChanges, clock: Clock) -> None:
        self._store = store
        self._committer = committer
        self._clock = clock

    def run(self, job: Job, ids: Sequence[UUID], step: Step) -> dict[UUID, Result]:
        """What became of each asset; with `dry_run` among the job's parameters, what would.

        :raises StoreUnavailable, OutcomeUnknown: some may be changed; all of them may be tried again.
        """
        results: dict[UUID, Result] = {}
        open_ = list(ids)
        for attempt in range(ATTEMPTS):
            if attempt:
                self._clock.sleep(random.uniform(0, 0.02 * 2**attempt))
            changes = self._changes(job, open_, step, results)
            if job.parameters["dry_run"]:
                return results | {change.after.id: Result(Outcome.CHANGED) for change in changes}
            open_ = []
            unknown = False
            for change, outcome in zip(changes, self._committer.commit(changes), strict=True):
                if outcome.verdict is Verdict.APPLIED:
                    results[change.after.id] = Result(Outcome.CHANGED)
                else:
                    open_.append(change.after.id)
                    unknown = unknown or outcome.verdict is Verdict.UNKNOWN
            if unknown:
                raise OutcomeUnknown
            if not open_:
                break
        return results | {asset_id: Result(Outcome.FAILED, "others kept changing it") for asset_id in open_}

    def _changes(self, job: Job, ids: Sequence[UUID], step: Step, results: dict[UUID, Result]) -> list[Change]:
        """The changes to commit; the other assets go into `results`."""
        selector = selector_from_json(job.parameters["selector"])
        heads = self._store.heads(ids)
        changes: list[Change] = []
        unchanged: dict[UUID, UUID] = {}
        for asset_id in ids:
            head = heads.get(asset_id)
            if head is None or head.state is State.PURGED:
                # The job itself may have purged it.
                results[asset_id] = Result(Outcome.SKIPPED, SKIP_MISSING)
                if head is not None:
                    unchanged[asset_id] = _change_id(job, asset_id)
                continue
            if not selector.covers(head):
                results[asset_id] = Result(Outcome.SKIPPED, "it is not among those selected")
                continue
            stamp = Stamp(actor=job.requested_by, at_ms=self._clock.now_ms(), change_id=_change_id(job, asset_id))
            try:
                change = step(head, stamp)
            except Unprocessable as e:
                results[asset_id] = Result(Outcome.FAILED, _told(e))
                unchanged[asset_id] = stamp.change_id
                continue
            if isinstance(change, Change):
                changes.append(change)
            else:
                results[asset_id] = Result(Outcome.SKIPPED, change) if change else Result(Outcome.DONE)
                unchanged[asset_id] = stamp.change_id
        if unchanged and not job.parameters["dry_run"]:
            for asset_id in self._store.made(unchanged):
                results[asset_id] = Result(Outcome.CHANGED)
        return changes


def _change_id(job: Job, asset_id: UUID) -> UUID:
    return uuid5(job.id, asset_id.hex)


def _told(error: Unprocessable) -> str:
    faults = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in error.faults[:5])
    return f"{error.message}: {faults}" if faults else error.message
