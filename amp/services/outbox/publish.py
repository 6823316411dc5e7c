"""Publishes messages of applied changes asynchronously, and clears each intent once its message is durable."""

import queue
import threading
import time
from collections.abc import Sequence

import structlog

from amp.domain.messages import AssetChanged, Intent
from amp.errors import Retryable
from amp.ports.background import Background
from amp.ports.intent_log import IntentLog
from amp.ports.message_queue import MessageQueue, Topic

_log = structlog.get_logger(__name__)
_CLEAR_AT_ONCE = 500
_GATHERED_S = 0.1


class ChangePublisher:
    """Publishes change messages. Nothing is lost: the relay processes messages that are not delivered and intents that
    are not cleared.
    """

    def __init__(self, message_queue: MessageQueue, intents: IntentLog, background: Background) -> None:
        self._queue = message_queue
        self._intents = intents
        self._background = background
        self._waiting: dict[AssetChanged, Intent] = {}
        self._delivered: queue.SimpleQueue[Intent | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._clearer: threading.Thread | None = None

    def publish(self, intents: Sequence[Intent]) -> None:
        """Publish the messages of these intents. Return immediately."""
        with self._lock:
            if self._clearer is None:
                self._clearer = self._background.start("intent-clearer", self._clear_delivered, threading.Event())
            self._waiting.update((intent.message, intent) for intent in intents)
            # The queue reports nothing about messages that it dropped. The relay processes them.
            while len(self._waiting) > 100_000:
                self._waiting.pop(next(iter(self._waiting)))
        self._queue.publish(Topic.REALTIME, [intent.message for intent in intents], self._on_delivered)

    def close(self, timeout_s: float) -> None:
        """Wait until all published messages are delivered and cleared, for at most `timeout_s` in all."""
        deadline_s = time.monotonic() + timeout_s
        self._queue.flush(timeout_s)
        with self._lock:
            clearer = self._clearer
        if clearer is not None:
            self._delivered.put(None)
            clearer.join(max(0.0, deadline_s - time.monotonic()))

    def _on_delivered(self, message: AssetChanged) -> None:
        with self._lock:
            intent = self._waiting.pop(message, None)
        if intent is not None:
            self._delivered.put(intent)

    def _gather(self) -> list[Intent | None]:
        """Return the intents whose messages were delivered within a moment, so that few requests are needed to clear
        them. None among them means the end.
        """
        batch = [self._delivered.get()]
        deadline_s = time.monotonic() + _GATHERED_S
        while len(batch) < _CLEAR_AT_ONCE and batch[-1] is not None:
            try:
                batch.append(self._delivered.get(timeout=max(0.0, deadline_s - time.monotonic())))
            except queue.Empty:
                break
        return batch

    def _clear_delivered(self, _stop: threading.Event) -> None:
        """Clear the intents of delivered messages. This ends only after `close`, not when it is asked to stop, so that
        no delivered message keeps its intent.
        """
        is_closed = False
        while not is_closed:
            batch = self._gather()
            is_closed = None in batch
            try:
                self._intents.clear([intent for intent in batch if intent is not None])
            except Retryable as e:
                _log.warning("intents left to the relay", action="intents_not_cleared", count=len(batch), reason=str(e))
