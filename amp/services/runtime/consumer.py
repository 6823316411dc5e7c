"""The loop of a worker that consumes a topic: poll, work, put aside what is hopeless, and only then commit."""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial

import structlog

from amp.domain.dead_letters import DeadLetter, dead_letter_for
from amp.domain.messages import Message
from amp.errors import Retryable
from amp.metrics import Metrics
from amp.ports.clock import Clock
from amp.ports.dead_letters import DeadLetters
from amp.ports.message_queue import Consumer, Delivery, MessageQueue, Topic
from amp.services.runtime.calls import call_in_thread
from amp.services.runtime.dead_letter_limit import DeadLetterLimit
from amp.services.runtime.retry import Stopped

_log = structlog.get_logger(__name__)
_KEEP_ALIVE_S = 1.0
#: How long an idle worker takes to notice that it shall stop.
_IDLE_POLL_S = 0.2
_BUSY_POLL_S = 0.02
#: A batch that was not full is followed by the next no sooner, so that steady traffic goes in few requests; the first
#: message after a pause does not wait.
_GATHERED_S = 0.05
#: Reading, making, putting, and one more, as they take turns at the processor.
_LANES = 4
#: A worker that the limit of dead letters has stopped tries again after this pause.
_STOPPED_S = 30.0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message is given up."""

    reason: str
    detail: str = ""  #: a stack trace, where there is one


#: Is told why a worker consumes nothing for now; None: it consumes again.
ReportStopped = Callable[[str | None], None]
#: Works on messages, as long as it takes; gives those that are given up. Raises `Stopped` once the event is set.
Handle = Callable[[Sequence[Message], threading.Event], Mapping[Message, Failure]]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Messages being worked on."""

    deliveries: Sequence[Delivery]
    failures: Future[Mapping[Message, Failure]]

    @property
    def done(self) -> bool:
        return self.failures.done()


class _LimitExceeded(Exception):
    """Too many messages would become dead letters."""


class ConsumerLoop:
    """Several batches are under way at once, each in a lane of its own, so that one is read from the store while the
    next is made into documents and a third goes into the index; they are settled in the order they came.

    Nothing is committed before it is done or among the dead letters, so a death at any line only means that some
    messages come again. Lanes may overtake each other: whoever handles messages is ready for that.

    Where more messages would become dead letters than the limit allows, none does: the loop leaves its group, reports
    why, and tries the same messages again after a pause.
    """

    def __init__(
        self,
        queue: MessageQueue,
        dead_letters: DeadLetters,
        clock: Clock,
        metrics: Metrics,
        handle: Handle,
        *,
        topic: Topic,
        group: str,
        batch: int,
        limit: DeadLetterLimit | None = None,
        report_stopped: ReportStopped = lambda _: None,
    ) -> None:
        self._queue = queue
        self._letters = dead_letters
        self._clock = clock
        self._metrics = metrics
        self._handle = handle
        self._topic = topic
        self._group = group
        self._batch = batch
        self._limit = limit
        self._report_stopped = report_stopped
        self._is_stopped = False

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then finish what is under way as far as it goes, commit, and leave."""
        try:
            while not stop.is_set():
                try:
                    self._consume(stop)
                except _LimitExceeded as e:
                    self._stopped(str(e))
                    stop.wait(_STOPPED_S)
        finally:
            self._metrics.consumer_stopped.labels(self._group).set(0)

    def _stopped(self, reason: str) -> None:
        self._is_stopped = True
        self._metrics.consumer_stopped.labels(self._group).set(1)
        self._report_stopped(reason)
        _log.error("consumer stopped", action="consumer_stopped", group=self._group, reason=reason)

    def _consume(self, stop: threading.Event) -> None:
        """:raises _LimitExceeded: too many messages would become dead letters."""
        consumer = self._queue.consume(self._topic, self._group)
        #: Set whenever this run ends, so that no lane goes on trying.
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
            if (left_s := partial_s + _GATHERED_S - self._clock.monotonic_s()) > 0 and stop.wait(left_s):
                break
            deliveries = consumer.poll(self._batch, _BUSY_POLL_S if under_way else _IDLE_POLL_S)
            if deliveries:
                messages = [delivery.message for delivery in deliveries if delivery.message is not None]
                handle = partial(self._handle, messages, halt)
                under_way.append(_Batch(deliveries, call_in_thread(f"{self._group}-lane", handle)))
            if 0 < len(deliveries) < self._batch:
                partial_s = self._clock.monotonic_s()
            # A batch that is not full took all there was: what comes meanwhile had better go together.
            room = _LANES - 1 if len(deliveries) == self._batch else 0
            while under_way and (len(under_way) > room or under_way[0].done):
                if not self._settle(under_way.popleft(), consumer, stop, halt):
                    return
        halt.set()
        while under_way and self._settle(under_way.popleft(), consumer, stop, halt):
            pass

    def _settle(self, batch: _Batch, consumer: Consumer, stop: threading.Event, halt: threading.Event) -> bool:
        """False: stopped before the batch was done, so nothing after it may be committed either."""
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
        if not self._bury(batch.deliveries, failures, consumer, stop):
            return False
        try:
            consumer.commit(batch.deliveries)
        except Retryable as e:
            # They come again, which is harmless.
            _log.warning("not committed", action="commit_failed", count=len(batch.deliveries), reason=str(e))
        return True

    def _bury(
        self,
        deliveries: Sequence[Delivery],
        failures: Mapping[Message, Failure],
        consumer: Consumer,
        stop: threading.Event,
    ) -> bool:
        """Put the hopeless aside, as long as it takes; False: stopped before that was done.

        :raises _LimitExceeded: they are too many, and none was put aside.
        """
        found = [
            Failure("not a message") if delivery.message is None else failures.get(delivery.message)
            for delivery in deliveries
        ]
        self._require_within_limit(found)
        for delivery, failure in zip(deliveries, found, strict=True):
            message = delivery.message
            while failure is not None:
                try:
                    self._letters.put(self._letter(delivery, failure))
                except Retryable as e:
                    _log.warning("dead letter waits", action="dead_letter_waits", reason=str(e))
                    consumer.keep_alive()
                    if stop.wait(_KEEP_ALIVE_S):
                        return False
                else:
                    _log.error("message put aside", action="dead_letter", reason=failure.reason, message=str(message))
                    self._metrics.dead_letters.inc()
                    failure = None
        return True

    def _require_within_limit(self, failures: Sequence[Failure | None]) -> None:
        if self._limit is None:
            return
        reason = self._limit.admit([failure is not None for failure in failures])
        if reason is not None:
            latest = next(failure.reason for failure in reversed(failures) if failure is not None)
            raise _LimitExceeded(f"{reason}; the latest because: {latest}")
        if self._is_stopped:
            self._is_stopped = False
            self._metrics.consumer_stopped.labels(self._group).set(0)
            self._report_stopped(None)
            _log.info("consumer resumed", action="consumer_resumed", group=self._group)

    def _letter(self, delivery: Delivery, failure: Failure) -> DeadLetter:
        return dead_letter_for(
            self._topic, delivery.message, delivery.payload, failure.reason, failure.detail, self._clock.now_ms()
        )
