"""Applies changes by conditional batches, and settles those whose answer got lost."""

import random
import time
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from amp.adapters.cassandra.asset_rows import step_request
from amp.adapters.cassandra.errors import translation, was_never_executed
from amp.adapters.cassandra.session import CassandraSession, Mode, RowsOrError
from amp.domain.assets import Asset, Change, State
from amp.domain.retention import Retention
from amp.errors import StoreUnavailable
from amp.ports.asset_store import CommitResult, CommitStatus

#: There for a change that was made, whatever came after it, for as long as anybody may look for it.
CHANGE_ROW = "SELECT id FROM {ks}.assets WHERE id = ? AND row_kind = 'change' AND number = 0 AND change_id = ?"

#: How often a condition is sent, at most, when its answer does not come.
_ATTEMPTS = 4
#: None is sent later than this after the first: past 30 s its intent might be given up, and a caller waits.
_BUDGET_S = 8.0
_PAUSE_S = 0.05

_APPLIED = CommitResult(CommitStatus.APPLIED)
_UNKNOWN = CommitResult(CommitStatus.UNKNOWN)


class AssetSteps:
    """Takes assets from one revision to the next.

    A batch may be sent again, even while an earlier one is still on its way: its change row lets it happen once.
    """

    def __init__(
        self,
        session: CassandraSession,
        heads: Callable[[Collection[UUID]], dict[UUID, Asset]],
        retention: Retention,
    ) -> None:
        self._session = session
        self._heads = heads
        self._retention = retention

    def apply(self, changes: Sequence[Change]) -> list[CommitResult]:
        outcomes = [_UNKNOWN] * len(changes)
        deadline = time.monotonic() + _BUDGET_S
        for attempt in range(_ATTEMPTS):
            open_ = [i for i, outcome in enumerate(outcomes) if outcome is _UNKNOWN]
            if not open_ or time.monotonic() > deadline:
                break
            if attempt:
                time.sleep(random.uniform(0, _PAUSE_S * 2**attempt))
            try:
                decided = self._attempt([changes[i] for i in open_], first=attempt == 0)
            except StoreUnavailable:
                if attempt == 0:
                    raise
                break
            for i, outcome in zip(open_, decided, strict=True):
                outcomes[i] = outcome
        return outcomes

    def _attempt(self, changes: Sequence[Change], *, first: bool) -> list[CommitResult]:
        """Sends each change once; those still unknown may be sent again.

        :raises StoreUnavailable: nothing was sent.
        """
        requests = [step_request(change, self._retention) for change in changes]
        answers = self._session.run_many(requests, Mode.CONDITIONAL)
        if first:
            _raise_if_none_was_executed(answers)
        made = [_was_made(change, answer) for change, answer in zip(changes, answers, strict=True)]
        if all(made):
            return [_APPLIED] * len(changes)
        # The heads before the change rows: a head past the change, and then no change row, means that it did not
        # happen and cannot any more. The other way round it might have happened in between.
        heads = self._heads_of([change for change, known in zip(changes, made, strict=True) if not known])
        lost = [i for i, known in enumerate(made) if known is None]
        if heads is not None:
            for i, known in zip(lost, self._look([changes[i] for i in lost]), strict=True):
                made[i] = known
        return [_outcome(change, known, heads) for change, known in zip(changes, made, strict=True)]

    def _heads_of(self, changes: Sequence[Change]) -> dict[UUID, Asset] | None:
        try:
            return self._heads([change.after.id for change in changes])
        except StoreUnavailable:
            return None

    def _look(self, changes: Sequence[Change]) -> list[bool | None]:
        """Whether each took place, by its change row; None: there is no answer."""
        requests = [(CHANGE_ROW, (change.after.id, change.after.change_id)) for change in changes]
        try:
            # Serial: conditions accepted but not finished are finished first.
            answers = self._session.run_many(requests, Mode.SERIAL)
        except StoreUnavailable:
            return [None] * len(changes)
        return [bool(answer) if isinstance(answer, list) else None for answer in answers]


def _was_made(change: Change, answer: RowsOrError) -> bool | None:
    """Whether the answer says that the change took place; None: there is no answer."""
    if isinstance(answer, BaseException):
        return None
    # A refused batch answers with the rows its conditions found: the head, and the change's row if it is there.
    return answer[0]["[applied]"] or any(
        row.get("row_kind") == "change" and row["change_id"] == change.after.change_id for row in answer
    )


def _outcome(change: Change, made: bool | None, heads: dict[UUID, Asset] | None) -> CommitResult:
    if made:
        return _APPLIED
    if made is None or heads is None:
        return _UNKNOWN
    head = heads.get(change.after.id)
    if _version_of_head(head) == _version_of_head(change.before):
        # Nothing stands in its way: a copy of it may still be under way, or it may be sent again.
        return _UNKNOWN
    return CommitResult(CommitStatus.REFUSED, head)


def _version_of_head(head: Asset | None) -> tuple[int, UUID | None] | None:
    """What the condition of a change compares."""
    if head is None:
        return None
    return head.revision, head.change_id if head.state is State.PURGED else None


def _raise_if_none_was_executed(answers: Sequence[RowsOrError]) -> None:
    errors = [answer for answer in answers if isinstance(answer, BaseException)]
    if errors and len(errors) == len(answers) and all(was_never_executed(error) for error in errors):
        raise translation(errors[0]) from errors[0]
