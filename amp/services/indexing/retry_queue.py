"""A durable, bounded queue of changes whose bucket refuses writes, so that changes of other buckets continue."""

from collections.abc import Sequence
from dataclasses import dataclass

from amp.domain.messages import AssetChanged
from amp.errors import Retryable
from amp.ports.message_queue import MessageQueue, Topic
from amp.services.runtime.delivery import publish_durably

#: The consumer group of this queue.
RETRY_GROUP = "index-retry"


@dataclass(frozen=True, kw_only=True)
class RetryQueue:
    """Adds changes to the retry queue. Changes are durable here before their original message is committed, so a kill
    at any line loses nothing.
    """

    queue: MessageQueue
    max_changes: int

    def add(self, changes: Sequence[AssetChanged]) -> bool:
        """Add changes. Return False if the queue is full or they may not be durable; keep them then."""
        try:
            if self.queue.lag(Topic.RETRY, RETRY_GROUP) + len(changes) > self.max_changes:
                return False
        except Retryable:
            return False
        return self.put_back(changes)

    def put_back(self, changes: Sequence[AssetChanged]) -> bool:
        """Add changes that came from this queue, even if it is full. Return False if they may not be durable; keep them
        then.
        """
        return publish_durably(self.queue, Topic.RETRY, changes).issuperset(changes)
