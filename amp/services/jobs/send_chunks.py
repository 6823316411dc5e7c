"""Sends the events of a job's chunks, and sends again those that came to nothing."""

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

#: Events whose results are missing although they were consumed are sent again after so long.
_LOST_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkSender:
    queue: MessageQueue
    chunks: JobChunks
    clock: Clock

    def send(self, run: JobRun, chunk: Chunk, ids: Sequence[UUID]) -> None:
        events = [JobItem(job_id=run.job.id, chunk=chunk.number, asset_id=asset_id) for asset_id in ids]
        self.queue.publish(Topic.BULK, events)
        run.sent_s, run.mark = self.clock.monotonic_s(), None

    def send_missing(self, run: JobRun) -> None:
        """Those of the outstanding chunks that have no result yet.

        :raises Retryable: a part does not answer; some may be sent.
        """
        for chunk in run.outstanding:
            results = self.chunks.results(run.job.id, chunk.number)
            self.send(run, chunk, [asset_id for asset_id in chunk.ids if asset_id not in results])

    def send_again(self, run: JobRun) -> None:
        """Events can get lost: with the process that had them in its buffer, or with brokers away for too long. And
        workers set aside what they cannot do now.

        :raises Retryable: a part does not answer; some may be sent.
        """
        now_s = self.clock.monotonic_s()
        if not run.outstanding or now_s - run.sent_s <= _LOST_S:
            return
        if run.mark is None:
            # Looked at in the next step: all that was sent is before it.
            run.mark = self.queue.mark(Topic.BULK)
            return
        if self.queue.behind(Topic.BULK, JOBS_GROUP, run.mark) == 0:
            self.send_missing(run)
        run.sent_s = now_s
