"""Sends the items of a job's chunks, and sends again those without a result."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from amp.domain.chunks import Chunk
from amp.domain.messages import JobItem
from amp.ports.clock import Clock
from amp.ports.job_chunks import JobChunks
from amp.ports.message_queue import MessageQueue, Topic
from amp.services.jobs.run import JobRun
from amp.services.jobs.worker import JOBS_GROUP

#: Items that were consumed but have no result are sent again after this time, in seconds.
_LOST_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkSender:
    queue: MessageQueue
    chunks: JobChunks
    clock: Clock

    def send(self, run: JobRun, chunk: Chunk, ids: Sequence[UUID]) -> None:
        items = [JobItem(job_id=run.job.id, chunk=chunk.number, asset_id=asset_id) for asset_id in ids]
        self.queue.publish(Topic.BULK, items)
        run.sent_s, run.mark = self.clock.monotonic_s(), None

    def send_missing(self, run: JobRun) -> None:
        """Send the items of outstanding chunks that have no result yet.

        :raises Retryable: a component does not answer; some may be sent.
        """
        for chunk in run.outstanding:
            results = self.chunks.results(run.job.id, chunk.number)
            self.send(run, chunk, [asset_id for asset_id in chunk.ids if asset_id not in results])

    def send_again(self, run: JobRun) -> None:
        """Send lost items again once it is time. Items get lost with a process that had them in its buffer, or when the
        brokers are unavailable for too long. Job workers also skip items that they cannot process now.

        :raises Retryable: a component does not answer; some may be sent.
        """
        now_s = self.clock.monotonic_s()
        if not run.outstanding or now_s - run.sent_s <= _LOST_S:
            return
        if run.mark is None:
            # The next step compares with this mark: all items that were sent are before it.
            run.mark = self.queue.mark(Topic.BULK)
            return
        if self.queue.behind(Topic.BULK, JOBS_GROUP, run.mark) == 0:
            self.send_missing(run)
        run.sent_s = now_s
