"""Applies changes by conditional batches, and settles those whose answer was lost."""

from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from tenacity import (
    RetryError,
    Retrying,
    TryAgain,
    retry_never,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from amp.adapters.cassandra.asset_rows import step_request
from amp.adapters.cassandra.errors import translation, was_never_executed
from amp.adapters.cassandra.session import CassandraSession, Mode, RowsOrError
from amp.domain.assets import Asset, Change, State
from amp.domain.retention import Retention
from amp.errors import StoreUnavailable
from amp.ports.asset_store import CommitResult, CommitStatus

#: Finds the row of an applied change, whatever was applied after it, for as long as any process may look for it.
CHANGE_ROW = "SELECT id FROM {ks}.assets WHERE id = ? AND row_kind = 'change' AND number = 0 AND change_id = ?"

#: Maximum number of times that a conditional batch is sent if no answer arrives.
_ATTEMPTS = 4
#: No attempt is sent later than this after the first, in seconds: a client is waiting, and after 30 s the relay may
#: discard the intent of the change.
_BUDGET_S = 8.0
#: Maximum pause before the second attempt, in seconds. It doubles with each further attempt.
_PAUSE_S = 0.1

_APPLIED = CommitResult(CommitStatus.APPLIED)
_UNKNOWN = CommitResult(CommitStatus.UNKNOWN)


class AssetSteps:
    """Takes assets from one revision to the next.

    A batch may be sent again even while an earlier one is still in progress. Its change row ensures that it is applied
    only once.
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
        results = [_UNKNOWN] * len(changes)
        retrying = Retrying(
            retry=retry_never,
            stop=stop_after_attempt(_ATTEMPTS) | stop_before_delay(_BUDGET_S),
            wait=wait_random_exponential(multiplier=_PAUSE_S),
        )
        try:
            for attempt in retrying:
                with attempt:
                    self._attempt_unknown(changes, results, first=attempt.retry_state.attempt_number == 1)
        except RetryError:
            pass
        return results

    def _attempt_unknown(self, changes: Sequence[Change], results: list[CommitResult], *, first: bool) -> None:
        """Send the changes with unknown results, and record the results.

        :raises TryAgain: some are still unknown.
        :raises StoreUnavailable: nothing was ever sent.
        """
        unknown = [i for i, result in enumerate(results) if result is _UNKNOWN]
        try:
            attempted = self._attempt([changes[i] for i in unknown], first=first)
        except StoreUnavailable:
            if first:
                raise
            return
        for i, result in zip(unknown, attempted, strict=True):
            results[i] = result
        if _UNKNOWN in attempted:
            raise TryAgain

    def _attempt(self, changes: Sequence[Change], *, first: bool) -> list[CommitResult]:
        """Send each change once. Changes whose result is UNKNOWN may be sent again.

        :raises StoreUnavailable: nothing was sent.
        """
        requests = [step_request(change, self._retention) for change in changes]
        answers = self._session.run_many(requests, Mode.CONDITIONAL)
        if first:
            _raise_if_none_was_executed(answers)
        applied = [_was_applied(change, answer) for change, answer in zip(changes, answers, strict=True)]
        if all(applied):
            return [_APPLIED] * len(changes)
        # Heads are read before change rows. A head beyond the change, followed by the absence of the change row, proves
        # that the change was not applied and cannot be any more. In the other order, it might be applied in between.
        heads = self._heads_of([change for change, is_applied in zip(changes, applied, strict=True) if not is_applied])
        lost = [i for i, is_applied in enumerate(applied) if is_applied is None]
        if heads is not None:
            for i, is_applied in zip(lost, self._read_change_rows([changes[i] for i in lost]), strict=True):
                applied[i] = is_applied
        return [_result(change, is_applied, heads) for change, is_applied in zip(changes, applied, strict=True)]

    def _heads_of(self, changes: Sequence[Change]) -> dict[UUID, Asset] | None:
        try:
            return self._heads([change.after.id for change in changes])
        except StoreUnavailable:
            return None

    def _read_change_rows(self, changes: Sequence[Change]) -> list[bool | None]:
        """Return whether each change was applied, by its change row; None: there is no answer."""
        requests = [(CHANGE_ROW, (change.after.id, change.after.change_id)) for change in changes]
        try:
            # A serial read first finishes conditional writes that are accepted but not finished.
            answers = self._session.run_many(requests, Mode.SERIAL)
        except StoreUnavailable:
            return [None] * len(changes)
        return [bool(answer) if isinstance(answer, list) else None for answer in answers]


def _was_applied(change: Change, answer: RowsOrError) -> bool | None:
    """Return whether the change was applied according to the answer; None: there is no answer."""
    if isinstance(answer, BaseException):
        return None
    # The answer of a refused batch has the rows that its conditions read: the head, and the change row if it exists.
    return answer[0]["[applied]"] or any(
        row.get("row_kind") == "change" and row["change_id"] == change.after.change_id for row in answer
    )


def _result(change: Change, is_applied: bool | None, heads: dict[UUID, Asset] | None) -> CommitResult:
    if is_applied:
        return _APPLIED
    if is_applied is None or heads is None:
        return _UNKNOWN
    head = heads.get(change.after.id)
    if _version_of_head(head) == _version_of_head(change.before):
        # The condition still holds: an earlier copy of the change may still be in progress, or it may be sent again.
        return _UNKNOWN
    return CommitResult(CommitStatus.REFUSED, head)


def _version_of_head(head: Asset | None) -> tuple[int, UUID | None] | None:
    """Return the values that the condition of a change compares."""
    if head is None:
        return None
    return head.revision, head.change_id if head.state is State.PURGED else None


def _raise_if_none_was_executed(answers: Sequence[RowsOrError]) -> None:
    errors = [answer for answer in answers if isinstance(answer, BaseException)]
    if errors and len(errors) == len(answers) and all(was_never_executed(error) for error in errors):
        raise translation(errors[0]) from errors[0]
