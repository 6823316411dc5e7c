"""The queue of changes whose bucket refuses writes: durable and bounded, so that those of other buckets go on."""

from collections.abc import Sequence

from amp.domain.messages import AssetChanged
from amp.errors import Retryable
from amp.ports.message_queue import MessageQueue, Topic
from amp.services.runtime.delivery import publish_durably

#: The consumer group that indexes them.
RETRY_GROUP = "index-retry"


class RetryQueue:
    """What is in it is durable before the message it came from is committed, so a kill at any line loses nothing."""

    def __init__(self, queue: MessageQueue, max_messages: int) -> None:
        self._queue = queue
        self._max_messages = max_messages

    def add(self, events: Sequence[AssetChanged]) -> bool:
        """Take these up. False: it is full, or they may not be durable; keep them."""
        try:
            if self._queue.lag(Topic.RETRY, RETRY_GROUP) + len(events) > self._max_messages:
                return False
        except Retryable:
            return False
        return self.put_back(events)

    def put_back(self, events: Sequence[AssetChanged]) -> bool:
        """Let these go behind all others, whether it is full or not: they take up no more room than before. False: they
        may not be durable; keep them."""
        return publish_durably(self._queue, Topic.RETRY, events).issuperset(events)
