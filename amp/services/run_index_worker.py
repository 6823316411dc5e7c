"""The index worker's loop: poll, index, put aside what cannot be indexed, and only then commit."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotDone
from uuid import UUID

import structlog

from amp.errors import Retryable
from amp.metrics import Metrics
from amp.ports.event_queue import Consumer, Delivery, EventQueue, Topic
from amp.services.index_assets import AssetDocuments, IndexAssets, Stopped

_log = structlog.get_logger(__name__)
_KEEP_ALIVE_S = 1.0
#: The consumer group that indexes live traffic.
INDEX_GROUP = "index"
#: How long an idle worker takes to notice that it shall stop.
_IDLE_POLL_S = 0.2


class RunIndexWorker:
    """While one batch is on its way into the index, the next is read and built.

    Nothing is committed before it is in the index or among the dead letters, so a death at any line only means that
    some events come again.
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
        try:
            with ThreadPoolExecutor(max_workers=1, thread_name_prefix="index-put") as putter:
                self._run(consumer, putter, stop)
        finally:
            consumer.close()

    def _run(self, consumer: Consumer, putter: ThreadPoolExecutor, stop: threading.Event) -> None:
        under_way: tuple[list[Delivery], Future[Mapping[UUID, str]]] | None = None
        while not stop.is_set():
            deliveries = consumer.poll(self._batch, 0.02 if under_way else _IDLE_POLL_S)
            documents = self._build(deliveries, consumer, stop)
            if under_way is not None:
                self._settle(*under_way, consumer, stop)
                under_way = None
            if deliveries and documents is not None:
                under_way = deliveries, putter.submit(self._indexer.put, documents, stop)
        if under_way is not None:
            self._settle(*under_way, consumer, stop)

    def _build(
        self, deliveries: Sequence[Delivery], consumer: Consumer, stop: threading.Event
    ) -> list[AssetDocuments] | None:
        """None: stopped before the store answered."""
        events = [delivery.event for delivery in deliveries if delivery.event is not None]
        pause_s = 0.1
        while events:
            try:
                return self._indexer.build(events)
            except Retryable as e:
                _log.warning("store does not answer", action="index_waits_for_store", reason=str(e))
                if stop.wait(pause_s):
                    return None
                pause_s = min(pause_s * 2, _KEEP_ALIVE_S)
                consumer.keep_alive()
        return []

    def _settle(
        self,
        deliveries: Sequence[Delivery],
        future: Future[Mapping[UUID, str]],
        consumer: Consumer,
        stop: threading.Event,
    ) -> None:
        rejected = None
        while rejected is None:
            try:
                rejected = future.result(timeout=_KEEP_ALIVE_S)
            except NotDone:
                consumer.keep_alive()
            except Stopped:
                return
        if self._bury(deliveries, rejected, consumer, stop):
            self._commit(deliveries, consumer)

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
