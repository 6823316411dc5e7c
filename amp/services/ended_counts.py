"""Counts what became of the assets of jobs that have ended."""

from collections import Counter
from dataclasses import dataclass, replace
from itertools import count

from amp.domain.chunks import Outcome
from amp.domain.jobs import Job, JobState
from amp.ports.dead_letters import DeadLetters
from amp.ports.job_chunks import JobChunks


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedCounts:
    letters: DeadLetters
    chunks: JobChunks

    def counted(self, job: Job) -> Job:
        """An ended job over assets with all its results counted. Failures that are no longer among the dead letters,
        because they were replayed or discarded, count as resolved; a dry run has no dead letters.

        :raises StoreUnavailable: the store does not answer.
        """
        counts = Counter(job.progress.get("counts", {}))
        if job.state is not JobState.COMPLETED:
            counts += self._unsettled(job)
        if not counts:
            return job
        failed = counts[Outcome.FAILED]
        if failed and not job.dry_run:
            # There may be more for a moment, as they come before the results.
            left = min(failed, self.letters.count(job.id))
            counts[Outcome.FAILED] = left
            counts[Outcome.RESOLVED] += failed - left
        done = counts.total()
        documents = job.progress.get("documents")
        progress = {
            **job.progress,
            "documents": None if documents is None else max(documents, done),
            "done": done,
            "counts": {outcome.value: counts[outcome] for outcome in Outcome},
        }
        return replace(job, progress=progress)

    def end(self, job: Job) -> int:
        """The number after that of its last chunk."""
        settled: int = job.checkpoint.get("settled", 0)
        return next(number for number in count(settled) if self.chunks.get(job.id, number) is None)

    def _unsettled(self, job: Job) -> Counter[str]:
        """The outcomes in chunks that were not settled when the job ended."""
        counts = Counter[str]()
        for number in count(job.checkpoint.get("settled", 0)):
            chunk = self.chunks.get(job.id, number)
            if chunk is None:
                return counts
            counts[Outcome.DONE] += chunk.passed
            counts.update(result.outcome for result in self.chunks.results(job.id, number).values())
        raise AssertionError("chunks have no end")
