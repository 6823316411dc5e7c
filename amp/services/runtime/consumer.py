"""The loop of a worker that consumes a topic: poll, handle, store dead letters, and only then commit."""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial

import structlog

from amp.domain.dead_letters import DeadLetter, dead_letter_for
from amp.domain.messages import Message
from amp.errors import Retryable
from amp.ports.clock import Clock
from amp.ports.dead_letters import DeadLetters
from amp.ports.message_queue import Consumer, Delivery, MessageQueue, Topic
from amp.ports.metrics import ConsumerMetrics
from amp.services.runtime.calls import call_in_thread
from amp.services.runtime.dead_letter_limit import DeadLetterLimit
from amp.services.runtime.retry import Stopped

_log = structlog.get_logger(__name__)
_KEEP_ALIVE_S = 1.0
#: How long an idle worker takes to notice a stop, in seconds.
_IDLE_POLL_S = 0.2
_BUSY_POLL_S = 0.02
#: Minimum time between a batch that was not full and the next, in seconds, so that steady traffic needs few requests.
#: The first message after a pause does not wait.
_GATHERED_S = 0.05
#: Batches under way: one is read, one is built, one is written, and one more because they share the processor.
_LANES = 4
#: Pause after which a worker tries again that the dead-letter limit has stopped, in seconds.
_STOPPED_S = 30.0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message becomes a dead letter."""

    reason: str
    detail: str = ""  #: a stack trace, where there is one


#: Called with the reason when a worker stops consuming, and with None when it continues.
ReportStopped = Callable[[str | None], None]
#: Handles messages, however long it takes, and returns those that become dead letters. Raises `Stopped` once the event
#: is set.
Handle = Callable[[Sequence[Message], threading.Event], Mapping[Message, Failure]]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Messages under way."""

    deliveries: Sequence[Delivery]
    failures: Future[Mapping[Message, Failure]]

    @property
    def done(self) -> bool:
        return self.failures.done()


class _LimitExceeded(Exception):
    """Too many messages would become dead letters."""


@dataclass(kw_only=True)
class ConsumerLoop:
    """Consumes a topic as a member of a group until it is stopped. Several batches are under way at once, each in its
    own thread: while one is read from the store, another is built into documents and a third is written into the index.
    They are settled in the order in which they came.

    A message is committed only after it was handled or stored as a dead letter. After a kill at any line, some messages
    are merely delivered again. Batches may overtake each other; handlers must allow for that.

    If more messages would become dead letters than the limit allows, none does. The loop then leaves its group, reports
    the reason, and tries the same messages again after a pause.
    """

    queue: MessageQueue
    dead_letters: DeadLetters
    clock: Clock
    metrics: ConsumerMetrics
    handle: Handle
    topic: Topic
    group: str
    batch: int
    limit: DeadLetterLimit | None = None
    report_stopped: ReportStopped = lambda _: None
    _is_stopped: bool = field(default=False, init=False)

    def run(self, stop: threading.Event) -> None:
        """Consume until `stop` is set. Then finish the batches under way if possible, commit, and leave the group."""
        try:
            while not stop.is_set():
                try:
                    self._consume(stop)
                except _LimitExceeded as e:
                    self._stopped(str(e))
                    stop.wait(_STOPPED_S)
        finally:
            self.metrics.consumer_stopped(self.group, False)

    def _stopped(self, reason: str) -> None:
        self._is_stopped = True
        self.metrics.consumer_stopped(self.group, True)
        self.report_stopped(reason)
        _log.error("consumer stopped", action="consumer_stopped", group=self.group, reason=reason)

    def _consume(self, stop: threading.Event) -> None:
        """Consume until `stop` is set.

        :raises _LimitExceeded: too many messages would become dead letters.
        """
        consumer = self.queue.consume(self.topic, self.group)
        #: Set whenever this run ends, so that no batch continues to retry.
        halt = threading.Event()
        under_way: deque[_Batch] = deque()
        try:
            self._run(consumer, under_way, stop, halt)
        finally:
            halt.set()
            wait([batch.failures for batch in under_way])
            consumer.close()

    def _run(self, consumer: Consumer, under_way: deque[_Batch], stop: threading.Event, halt: threading.Event) -> None:
        partial_s = float("-inf")
        while not stop.is_set():
            if (left_s := partial_s + _GATHERED_S - self.clock.monotonic_s()) > 0 and stop.wait(left_s):
                break
            deliveries = consumer.poll(self.batch, _BUSY_POLL_S if under_way else _IDLE_POLL_S)
            if deliveries:
                messages = [delivery.message for delivery in deliveries if delivery.message is not None]
                handle = partial(self.handle, messages, halt)
                under_way.append(_Batch(deliveries, call_in_thread(f"{self.group}-batch", handle)))
            if 0 < len(deliveries) < self.batch:
                partial_s = self.clock.monotonic_s()
            # A batch that is not full has taken all messages. Later ones had better be handled together.
            room = _LANES - 1 if len(deliveries) == self.batch else 0
            while under_way and (len(under_way) > room or under_way[0].done):
                if not self._settle(under_way.popleft(), consumer, stop, halt):
                    return
        halt.set()
        while under_way and self._settle(under_way.popleft(), consumer, stop, halt):
            pass

    def _settle(self, batch: _Batch, consumer: Consumer, stop: threading.Event, halt: threading.Event) -> bool:
        """Settle the batch. Return False if it was stopped before that was done; nothing after it may be committed
        then.
        """
        while not batch.done:
            wait((batch.failures,), _KEEP_ALIVE_S)
            if not batch.done:
                consumer.keep_alive()
                if stop.is_set():
                    halt.set()
        try:
            failures = batch.failures.result()
        except Stopped:
            return False
        if not self._store_dead_letters(batch.deliveries, failures, consumer, stop):
            return False
        try:
            consumer.commit(batch.deliveries)
        except Retryable as e:
            # The messages are delivered again, which is harmless.
            _log.warning("could not commit", action="commit_failed", count=len(batch.deliveries), reason=str(e))
        return True

    def _store_dead_letters(
        self,
        deliveries: Sequence[Delivery],
        failures: Mapping[Message, Failure],
        consumer: Consumer,
        stop: threading.Event,
    ) -> bool:
        """Store the failed messages as dead letters, however long it takes. Return False if it was stopped before that
        was done.

        :raises _LimitExceeded: they are too many; none was stored.
        """
        found = [
            Failure("the message cannot be parsed") if delivery.message is None else failures.get(delivery.message)
            for delivery in deliveries
        ]
        self._require_within_limit(found)
        for delivery, failure in zip(deliveries, found, strict=True):
            message = delivery.message
            while failure is not None:
                try:
                    self.dead_letters.put(self._dead_letter(delivery, failure))
                except Retryable as e:
                    _log.warning("dead letter retrying", action="dead_letter_retrying", reason=str(e))
                    consumer.keep_alive()
                    if stop.wait(_KEEP_ALIVE_S):
                        return False
                else:
                    _log.error(
                        "stored as dead letter", action="dead_letter", reason=failure.reason, message=str(message)
                    )
                    self.metrics.dead_letter_stored()
                    failure = None
        return True

    def _require_within_limit(self, failures: Sequence[Failure | None]) -> None:
        if self.limit is None:
            return
        reason = self.limit.admit([failure is not None for failure in failures])
        if reason is not None:
            latest = next(failure.reason for failure in reversed(failures) if failure is not None)
            raise _LimitExceeded(f"{reason}; the latest reason is: {latest}")
        if self._is_stopped:
            self._is_stopped = False
            self.metrics.consumer_stopped(self.group, False)
            self.report_stopped(None)
            _log.info("consumer resumed", action="consumer_resumed", group=self.group)

    def _dead_letter(self, delivery: Delivery, failure: Failure) -> DeadLetter:
        return dead_letter_for(
            self.topic, delivery.message, delivery.payload, failure.reason, failure.detail, self.clock.now_ms()
        )
