"""Counts the outcomes of the assets of jobs that have ended."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

from amp.domain.chunks import Chunk, ItemOutcome
from amp.domain.jobs import AssetJob, JobState
from amp.ports.dead_letters import DeadLetters
from amp.ports.job_chunks import JobChunks


def unsettled_chunks(chunks: JobChunks, job: AssetJob) -> Iterator[Chunk]:
    """Yield the chunks of a job that were not settled when it ended, in order.

    :raises StoreUnavailable: the store does not answer.
    """
    for number in count(job.checkpoint.settled):
        chunk = chunks.get(job.id, number)
        if chunk is None:
            return
        yield chunk


def chunk_count(chunks: JobChunks, job: AssetJob) -> int:
    """Return the number of chunks of an ended job, settled or not.

    :raises StoreUnavailable: the store does not answer.
    """
    return job.checkpoint.settled + sum(1 for _ in unsettled_chunks(chunks, job))


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedCounts:
    dead_letters: DeadLetters
    chunks: JobChunks

    def counted(self, job: AssetJob, *, all_chunks: bool = True) -> AssetJob:
        """Return an ended job with all its results counted. Failures that are no longer among the dead letters, because
        they were replayed or discarded, count as resolved. A dry run has no dead letters.

        :param all_chunks: False leaves out chunks that were not settled when the job ended, and saves two reads for
            each of them.
        :raises StoreUnavailable: the store does not answer.
        """
        counts = Counter(job.progress.counts)
        if all_chunks and job.state is not JobState.COMPLETED:
            counts += self._unsettled(job)
        if not counts:
            return job
        failed = counts[ItemOutcome.FAILED]
        if failed and not job.dry_run:
            # There may be more for a moment, because dead letters are stored before the results.
            left = min(failed, self.dead_letters.count(job.id))
            counts[ItemOutcome.FAILED] = left
            counts[ItemOutcome.RESOLVED] += failed - left
        done = counts.total()
        documents = job.progress.documents
        progress = replace(
            job.progress,
            documents=None if documents is None else max(documents, done),
            done=done,
            counts={outcome: counts[outcome] for outcome in ItemOutcome},
        )
        return replace(job, progress=progress)

    def _unsettled(self, job: AssetJob) -> Counter[ItemOutcome]:
        """Return the outcomes in chunks that were not settled when the job ended."""
        counts = Counter[ItemOutcome]()
        for chunk in unsettled_chunks(self.chunks, job):
            counts[ItemOutcome.DONE] += chunk.passed
            counts.update(result.outcome for result in self.chunks.results(job.id, chunk.number).values())
        return counts
