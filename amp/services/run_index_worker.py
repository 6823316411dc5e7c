"""The index worker's loop: poll, index, put aside what cannot be indexed, and only then commit."""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotDone
from dataclasses import dataclass
from uuid import UUID

import structlog

from amp.errors import Retryable
from amp.metrics import Metrics
from amp.ports.event_queue import Consumer, Delivery, EventQueue, Topic
from amp.services.index_assets import IndexAssets, Stopped

_log = structlog.get_logger(__name__)
_KEEP_ALIVE_S = 1.0
#: The consumer group that indexes live traffic.
INDEX_GROUP = "index"
#: How long an idle worker takes to notice that it shall stop.
_IDLE_POLL_S = 0.2
_BUSY_POLL_S = 0.02
#: Reading, building and putting.
_LANES = 3


@dataclass(frozen=True, slots=True)
class _Batch:
    """Events on their way into the index."""

    deliveries: Sequence[Delivery]
    rejected: Future[Mapping[UUID, str]]

    @property
    def done(self) -> bool:
        return self.rejected.done()


class RunIndexWorker:
    """Several batches are under way at once, each in a lane of its own, so that one is read from the store while the
    next is made into documents and a third goes into the index; they are settled in the order they came.

    Nothing is committed before it is in the index or among the dead letters, so a death at any line only means that
    some events come again. Lanes may overtake each other: the index keeps the later revision, whoever comes last.
    """

    def __init__(
        self,
        queue: EventQueue,
        indexer: IndexAssets,
        metrics: Metrics,
        *,
        topic: Topic = Topic.REALTIME,
        group: str = INDEX_GROUP,
        batch: int = 500,
    ) -> None:
        self._queue = queue
        self._indexer = indexer
        self._metrics = metrics
        self._topic = topic
        self._group = group
        self._batch = batch

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then finish what is under way as far as the index takes it, commit, and leave."""
        consumer = self._queue.consume(self._topic, self._group)
        #: Set whenever this run ends, so that no lane goes on trying.
        halt = threading.Event()
        try:
            with ThreadPoolExecutor(_LANES, thread_name_prefix="index") as lanes:
                try:
                    self._run(consumer, lanes, stop, halt)
                finally:
                    halt.set()
        finally:
            consumer.close()

    def _run(self, consumer: Consumer, lanes: ThreadPoolExecutor, stop: threading.Event, halt: threading.Event) -> None:
        under_way: deque[_Batch] = deque()
        while not stop.is_set():
            deliveries = consumer.poll(self._batch, _BUSY_POLL_S if under_way else _IDLE_POLL_S)
            if deliveries:
                events = [delivery.event for delivery in deliveries if delivery.event is not None]
                under_way.append(_Batch(deliveries, lanes.submit(self._indexer.index, events, halt)))
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
        rejected = None
        while rejected is None:
            try:
                rejected = batch.rejected.result(timeout=_KEEP_ALIVE_S)
            except NotDone:
                consumer.keep_alive()
                if stop.is_set():
                    halt.set()
            except Stopped:
                return False
        if not self._bury(batch.deliveries, rejected, consumer, stop):
            return False
        self._commit(batch.deliveries, consumer)
        return True

    def _bury(
        self,
        deliveries: Sequence[Delivery],
        rejected: Mapping[UUID, str],
        consumer: Consumer,
        stop: threading.Event,
    ) -> bool:
        """Put the hopeless aside, as long as it takes; False: stopped before that was done."""
        for delivery in deliveries:
            event = delivery.event
            reason = "not an event" if event is None else rejected.get(event.asset_id)
            while reason is not None:
                try:
                    self._queue.dead_letter(delivery, reason)
                except Retryable as e:
                    _log.warning("dead letter waits", action="dead_letter_waits", reason=str(e))
                    consumer.keep_alive()
                    if stop.wait(_KEEP_ALIVE_S):
                        return False
                else:
                    _log.error("event put aside", action="dead_letter", reason=reason, event_=str(event))
                    self._metrics.dead_letters.inc()
                    reason = None
        return True

    def _commit(self, deliveries: Sequence[Delivery], consumer: Consumer) -> None:
        try:
            consumer.commit(deliveries)
        except Retryable as e:
            # They come again, which is harmless.
            _log.warning("not committed", action="commit_failed", count=len(deliveries), reason=str(e))
        self._metrics.events_indexed.inc(len(deliveries))
