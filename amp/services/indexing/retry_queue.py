"""The queue of changes whose bucket refuses writes: durable and bounded, so that those of other buckets go on."""

from collections.abc import Sequence
from dataclasses import dataclass

from amp.domain.messages import AssetChanged
from amp.errors import Retryable
from amp.ports.message_queue import MessageQueue, Topic
from amp.services.runtime.delivery import publish_durably

#: The consumer group that indexes them.
RETRY_GROUP = "index-retry"


@dataclass(frozen=True, kw_only=True)
class RetryQueue:
    """What is in it is durable before the message it came from is committed, so a kill at any line loses nothing."""

    queue: MessageQueue
    max_changes: int

    def add(self, changes: Sequence[AssetChanged]) -> bool:
        """Take these up. False: it is full, or they may not be durable; keep them."""
        try:
            if self.queue.lag(Topic.RETRY, RETRY_GROUP) + len(changes) > self.max_changes:
                return False
        except Retryable:
            return False
        return self.put_back(changes)

    def put_back(self, changes: Sequence[AssetChanged]) -> bool:
        """Let these go behind all others, whether it is full or not: they take up no more room than before. False: they
        may not be durable; keep them."""
        return publish_durably(self.queue, Topic.RETRY, changes).issuperset(changes)
