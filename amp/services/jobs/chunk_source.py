"""Cuts the next chunk of a job from what its selector names."""

from dataclasses import dataclass

from amp.domain.chunks import Chunk
from amp.domain.principals import Principal
from amp.ports.job_chunks import JobChunks
from amp.services.consistency.mismatches import Step
from amp.services.jobs.listed_ids import ListedIds
from amp.services.jobs.run import JobRun
from amp.services.jobs.selection import SelectAssets


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkSource:
    chunks: JobChunks
    select: SelectAssets
    listed: ListedIds

    def next(self, run: JobRun, limit: int) -> Chunk | None:
        """The chunk behind the last one, kept; the one that is there if another process made it. None: come again,
        it takes its time.

        :raises NotFound: the ids that the job was given are gone.
        :raises BadCursor: the job stands at no place of its selection.
        :raises Retryable: a part does not answer.
        """
        step = self._step(run, limit)
        if step.unfinished:
            return None
        return self.chunks.begin(
            Chunk(
                job_id=run.job.id,
                number=run.next_number,
                ids=step.ids,
                passed=step.passed,
                position=step.position,
            )
        )

    def _step(self, run: JobRun, limit: int) -> Step:
        if run.selector.ids is not None:
            page = self.listed.page(run.job.id, run.position, limit)
        elif run.suspects is not None and run.selector.query is None:
            return run.suspects.step(run.selector, run.position, limit, deep=run.job.parameters.get("deep", False))
        else:
            page = self.select.page(run.selector, run.position, limit, Principal(run.job.requested_by))
        return Step(page.ids, position=page.position)
