"""Commits changes to the source of truth: first the intent, then the condition, then the message (ADR 002)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from amp.domain.assets import Change
from amp.domain.messages import Intent, message_of
from amp.errors import StoreUnavailable
from amp.ports.asset_store import AssetWrites, CommitResult, CommitStatus
from amp.ports.clock import Clock
from amp.ports.intent_log import IntentLog
from amp.ports.metrics import OutboxMetrics
from amp.services.outbox.publish import ChangePublisher

#: A condition is never sent under an older intent, so that the relay knows when a change can no longer be applied.
MAX_INTENT_AGE_MS = 30_000
#: Changes that are prepared and applied together: enough for full concurrency, and few enough to be done long before
#: their intents are too old.
BATCH = 500


@dataclass(frozen=True, kw_only=True)
class ChangeCommitter:
    """Commits changes of assets. No other class applies changes in the store."""

    store: AssetWrites
    intents: IntentLog
    publisher: ChangePublisher
    clock: Clock
    metrics: OutboxMetrics
    intent_grace_s: float

    @cached_property
    def _grace_ms(self) -> int:
        return int(self.intent_grace_s * 1000)

    def commit(self, changes: Sequence[Change]) -> list[CommitResult]:
        """Commit changes of different assets. Return one result for each change, in order. Every APPLIED change is
        durable and certain to be indexed.

        :raises StoreUnavailable: no change of the current batch was applied; earlier batches may be.
        """
        outcomes: list[CommitResult] = []
        for i in range(0, len(changes), BATCH):
            outcomes += self._commit_batch(changes[i : i + BATCH])
        return outcomes

    def _commit_batch(self, changes: Sequence[Change]) -> list[CommitResult]:
        intents = self._prepare(changes)
        outcomes = self.store.apply(changes)
        by_verdict: dict[CommitStatus, list[Intent]] = {verdict: [] for verdict in CommitStatus}
        for change, intent, outcome in zip(changes, intents, outcomes, strict=True):
            by_verdict[outcome.status].append(intent)
            if outcome.status is CommitStatus.APPLIED and change.dropped_version is not None:
                self.metrics.version_dropped()
        if by_verdict[CommitStatus.APPLIED]:
            self.publisher.publish(by_verdict[CommitStatus.APPLIED])
        if by_verdict[CommitStatus.REFUSED]:
            self._forget(by_verdict[CommitStatus.REFUSED])
        return outcomes  # intents of UNKNOWN changes stay; the relay settles them

    def _prepare(self, changes: Sequence[Change]) -> list[Intent]:
        for _ in range(2):
            now_ms, began_s = self.clock.now_ms(), self.clock.monotonic_s()
            intents = [
                Intent(message=message_of(change), recorded_ms=now_ms, due_ms=now_ms + self._grace_ms)
                for change in changes
            ]
            self.store.prepare(list(zip(changes, intents, strict=True)))
            # The other half of the age is left for the conditions themselves.
            if (self.clock.monotonic_s() - began_s) * 1000 < MAX_INTENT_AGE_MS / 2:
                return intents
        raise StoreUnavailable("the store is too slow to write safely")

    def _forget(self, intents: Sequence[Intent]) -> None:
        try:
            self.intents.clear(intents)
        except StoreUnavailable:
            return  # the relay will find that they were not applied, and drop them
