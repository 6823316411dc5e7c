"""Publishes messages that may have been lost: those of intents that were not cleared in time."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import structlog

from amp.domain.messages import Intent, deferral_ms
from amp.ports.asset_store import AssetReads
from amp.ports.clock import Clock
from amp.ports.intent_log import IntentLog
from amp.ports.message_queue import MessageQueue, Topic
from amp.ports.metrics import OutboxMetrics
from amp.services.outbox.commit import MAX_INTENT_AGE_MS
from amp.services.runtime.delivery import publish_durably
from amp.services.runtime.polling import PollingLoop
from amp.services.runtime.retry import Backoff

_log = structlog.get_logger(__name__)
_BATCH = 500
#: An intent is dropped if the store does not have its change after this time, but not before this process has known it
#: for longer than a writer may still send the condition, because the clocks of writer and relay may differ.
_DROP_AFTER_MS = 24 * 3600 * 1000
_KNOWN_FOR_S = 2 * MAX_INTENT_AGE_MS / 1000
#: Known intents are removed from memory after this time. By then a relay has dropped them.
_FORGOTTEN_AFTER_S = 3_600.0


@dataclass(frozen=True, kw_only=True)
class IntentRelay:
    """Publishes the messages of overdue intents. Two concurrent relays merely publish twice, which is harmless."""

    intents: IntentLog
    store: AssetReads
    queue: MessageQueue
    clock: Clock
    metrics: OutboxMetrics
    pause_s: float = 1.0
    #: When this process first read each intent that is old enough to be dropped, oldest first.
    _first_seen_s: dict[Intent, float] = field(default_factory=dict, init=False)

    def run(self, stop: threading.Event) -> None:
        """Relay until `stop` is set."""
        PollingLoop(name="relay", step=self._step, backoff=Backoff(first_s=self.pause_s, max_s=10.0)).run(stop)

    def _step(self, _stop: threading.Event) -> float:
        return 0.0 if self.relay_once() >= _BATCH else self.pause_s

    def relay_once(self) -> int:
        """Process up to one batch of due intents. Return their number.

        :raises StoreUnavailable: the store does not answer; nothing is lost.
        """
        due = self.intents.due(self.clock.now_ms(), _BATCH)
        if due:
            self._process(due)
        return len(due)

    def _process(self, due: Sequence[Intent]) -> None:
        # This read completes conditions that were accepted but not completed, so that "not applied" is certain.
        heads = self.store.heads({intent.message.asset_id for intent in due}, settle=True)
        applied: list[Intent] = []
        unapplied: list[Intent] = []
        for intent in due:
            head = heads.get(intent.message.asset_id)
            reached = head is not None and head.revision >= intent.message.revision
            (applied if reached else unapplied).append(intent)
        if applied:
            self._publish(applied)
        for intent in unapplied:
            self._postpone(intent)

    def _publish(self, applied: Sequence[Intent]) -> None:
        delivered = publish_durably(self.queue, Topic.REALTIME, [intent.message for intent in applied])
        done = [intent for intent in applied if intent.message in delivered]
        self.intents.clear(done)
        self.metrics.intents_relayed(len(done))
        if len(done) < len(applied):
            # The queue is down, so these are not due again at once.
            now_ms = self.clock.now_ms()
            for intent in applied:
                if intent.message not in delivered:
                    self.intents.defer(intent, now_ms + 2_000)
            _log.warning("messages not delivered", action="relay_undelivered", count=len(applied) - len(done))

    def _postpone(self, intent: Intent) -> None:
        now_ms = self.clock.now_ms()
        age_ms = now_ms - intent.recorded_ms
        due_ms = now_ms + deferral_ms(age_ms)
        if age_ms > _DROP_AFTER_MS:
            key = replace(intent, due_ms=0)
            if self._known_for_s(key) >= _KNOWN_FOR_S:
                self.intents.clear([intent])
                del self._first_seen_s[key]
                return
            due_ms = now_ms + int(_KNOWN_FOR_S * 1000)
        self.intents.defer(intent, due_ms)

    def _known_for_s(self, key: Intent) -> float:
        now_s = self.clock.monotonic_s()
        while self._first_seen_s:
            first, seen_s = next(iter(self._first_seen_s.items()))
            if now_s - seen_s < _FORGOTTEN_AFTER_S:
                break
            del self._first_seen_s[first]
        return now_s - self._first_seen_s.setdefault(key, now_s)
