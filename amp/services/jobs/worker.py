"""Processes the items of jobs: hands them to the processor of the job's kind and records each result."""

import threading
import traceback
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

import orjson
import structlog

from amp.domain.chunks import ItemOutcome, ItemResult
from amp.domain.dead_letters import dead_letter_for, dead_letter_id
from amp.domain.jobs import AssetJob, JobState, Note, NoteKind
from amp.domain.messages import JobItem, Message, message_json
from amp.domain.storable_text import storable_reason
from amp.errors import AmpError, IndexingStalled, Retryable
from amp.ports.clock import Clock
from amp.ports.dead_letters import DeadLetters
from amp.ports.job_chunks import JobChunks
from amp.ports.job_log import JobLog
from amp.ports.message_queue import Topic
from amp.ports.metrics import JobMetrics
from amp.services.jobs.processor import Processor
from amp.services.jobs.states import JobStates
from amp.services.runtime.consumer import Failure
from amp.services.runtime.retry import Backoff, Stopped, retry_until_stopped

_log = structlog.get_logger(__name__)
#: The consumer group of all job workers.
JOBS_GROUP = "jobs"
#: Attempts at an asset that fails by itself.
_ATTEMPTS = 3
_PAUSES = Backoff(first_s=0.1)
#: How long a job is cached, in seconds; a cancelled job continues for this time.
_JOB_KEPT_S = 1.0


#: After a component has not answered for this time, in seconds, the items are left for later, so that other jobs
#: continue.
_TURN_S = 30.0
_WAITS = "its bucket refuses writes, or a component or the index workers do not respond: replay it later"
#: Minimum time between two notes that assets of a job wait, in seconds.
_NOTE_EVERY_S = 3_600.0


class JobWorker:
    """A handler of `ConsumerLoop`. An item that cannot be processed becomes a dead letter and never stops the others.
    An item that cannot be processed now gets no result, so that the extractor sends it again later.
    """

    def __init__(
        self,
        jobs: JobLog,
        chunks: JobChunks,
        dead_letters: DeadLetters,
        processors: Mapping[str, Processor],
        clock: Clock,
        metrics: JobMetrics,
    ) -> None:
        self._jobs = jobs
        self._chunks = chunks
        self._dead_letters = dead_letters
        self._processors = processors
        self._clock = clock
        self._metrics = metrics
        self._states = JobStates(jobs=jobs, clock=clock)
        #: Jobs by id, each with the time it was read. Replaced as a whole, because the threads of batches share it.
        self._known: dict[UUID, tuple[float, AssetJob | None]] = {}
        #: The time of the last note that assets wait, by job.
        self._noted_s: dict[UUID, float] = {}

    def handle(self, messages: Sequence[Message], stop: threading.Event) -> Mapping[Message, Failure]:
        """Process these messages, however long it takes. Return the messages that become dead letters.

        :raises Stopped: `stop` was set before all was done.
        """
        failures: dict[Message, Failure] = {
            message: Failure("the message is not an item of a job")
            for message in messages
            if not isinstance(message, JobItem)
        }
        by_job: dict[UUID, dict[UUID, JobItem]] = defaultdict(dict)
        for message in messages:
            if isinstance(message, JobItem):
                # An asset that is delivered twice is processed once. A replayed item takes precedence: it counts even
                # after the job has ended.
                before = by_job[message.job_id].get(message.asset_id)
                if before is None or not before.replayed:
                    by_job[message.job_id][message.asset_id] = message
        for job_id, items in by_job.items():
            failed_items = self._handle_or_fail(job_id, items, stop)
            if failed_items and not self._is_dry_run(job_id, stop):
                failures |= failed_items
        return failures

    def _handle_or_fail(
        self, job_id: UUID, items: Mapping[UUID, JobItem], stop: threading.Event
    ) -> Mapping[Message, Failure]:
        """Process the items of a job. An error that no single asset causes is attributed to the job: the job fails, its
        items become dead letters, and other jobs continue.
        """
        try:
            return self._handle(job_id, items, stop)
        except Stopped:
            raise
        except Exception as e:  # noqa: BLE001 - an error of one job must not stop the others
            _log.exception("job failed", action="job_failed", job=str(job_id))
            reason, detail = storable_reason(f"unexpected error: {e!r}"), traceback.format_exc()
        retry_until_stopped(lambda: self._states.end(job_id, JobState.FAILED, reason), stop, "job")
        failed = ItemResult(ItemOutcome.FAILED, reason)
        with suppress(Exception):  # the same error may happen here; then the job counts fewer
            self._chunks.record(job_id, _by_chunk(items, dict.fromkeys(items, failed)))
        return {item: Failure(reason, detail) for item in items.values()}

    def _handle(self, job_id: UUID, items: Mapping[UUID, JobItem], stop: threading.Event) -> dict[Message, Failure]:
        job = retry_until_stopped(lambda: self._job(job_id), stop, "job")
        if job is None:
            return {}
        if job.state.ended:
            items = {asset_id: item for asset_id, item in items.items() if item.replayed}
        if not items:
            return {}
        processor = self._processors.get(job.kind)
        if processor is None:
            return {
                item: Failure(f"there is no processor for jobs of kind {job.kind!r} here") for item in items.values()
            }
        results, details = self._process(job, processor, list(items), stop)
        if waiting := [item for asset_id, item in items.items() if asset_id not in results]:
            self._note_waiting(job, len(waiting))
            # The extractor does not send these again.
            results |= {item.asset_id: ItemResult(ItemOutcome.FAILED, _WAITS) for item in waiting if item.replayed}
        retry_until_stopped(lambda: self._record(job, items, results, details), stop, "job")
        for outcome, count in Counter(result.outcome for result in results.values()).items():
            self._metrics.assets_processed(job.kind, outcome, count)
        return {}

    def _process(
        self, job: AssetJob, processor: Processor, ids: Sequence[UUID], stop: threading.Event
    ) -> tuple[dict[UUID, ItemResult], dict[UUID, str]]:
        """Return the results of the assets that could be processed now, and the stack traces of those that failed with
        an unexpected error."""
        try:
            return dict(self._results(job, processor, ids, stop)), {}
        except Stopped:
            raise
        except Exception as e:  # noqa: BLE001 - an error of one asset must not stop the others
            _log.warning(
                "job batch failed, isolating",
                action="job_batch_failed",
                job=str(job.id),
                assets=len(ids),
                reason=repr(e),
            )
        results: dict[UUID, ItemResult] = {}
        details: dict[UUID, str] = {}
        for asset_id in ids:
            result, detail = self._process_one(job, processor, asset_id, stop)
            if result is not None:
                results[asset_id] = result
            if detail:
                details[asset_id] = detail
        return results, details

    def _results(
        self, job: AssetJob, processor: Processor, ids: Sequence[UUID], stop: threading.Event
    ) -> Mapping[UUID, ItemResult]:
        """Return the results of the assets, or no results if a component has not answered for too long."""
        began_s = self._clock.monotonic_s()

        def process() -> Mapping[UUID, ItemResult]:
            try:
                return processor.process(job, ids, stop)
            except Retryable as e:
                has_waited = isinstance(e, IndexingStalled) or self._clock.monotonic_s() - began_s >= _TURN_S
                if not has_waited:
                    raise
                _log.warning(
                    "job items postponed", action="job_items_postponed", job=str(job.id), assets=len(ids), reason=str(e)
                )
                return {}

        return retry_until_stopped(process, stop, "job")

    def _process_one(
        self, job: AssetJob, processor: Processor, asset_id: UUID, stop: threading.Event
    ) -> tuple[ItemResult | None, str]:
        reason = detail = ""
        for attempt in range(_ATTEMPTS):
            if attempt and stop.wait(_PAUSES.pause_s(attempt)):
                raise Stopped
            try:
                return self._results(job, processor, [asset_id], stop).get(asset_id), ""
            except Stopped:
                raise
            except Exception as e:  # noqa: BLE001 - as above
                reason, detail = e.message if isinstance(e, AmpError) else repr(e), traceback.format_exc()
        return ItemResult(ItemOutcome.FAILED, reason), detail

    def _note_waiting(self, job: AssetJob, count: int) -> None:
        now_s = self._clock.monotonic_s()
        _log.info("job waits", action="job_waits", job=str(job.id), assets=count)
        if now_s - self._noted_s.get(job.id, float("-inf")) < _NOTE_EVERY_S:
            return
        self._noted_s = {id_: at_s for id_, at_s in self._noted_s.items() if now_s - at_s < _NOTE_EVERY_S}
        self._noted_s[job.id] = now_s
        text = (
            "assets wait: their bucket refuses writes, or a component or the index workers do not respond (see /readyz)"
        )
        with suppress(Retryable):
            self._jobs.note(job.id, Note(self._clock.now_ms(), NoteKind.WAITING, text))

    def _record(
        self,
        job: AssetJob,
        items: Mapping[UUID, JobItem],
        results: Mapping[UUID, ItemResult],
        details: Mapping[UUID, str],
    ) -> None:
        """Store the dead letters before the results, so that all failures of an ended job are listed. A dry run leaves
        no dead letters, because there is nothing to repeat."""
        for asset_id, result in results.items():
            item = items[asset_id]
            if result.outcome is ItemOutcome.FAILED and not job.dry_run:
                payload, detail = orjson.dumps(message_json(item)), details.get(asset_id, "")
                self._dead_letters.put(
                    dead_letter_for(Topic.BULK, item, payload, result.note, detail, self._clock.now_ms())
                )
                self._metrics.dead_letter_stored()
            elif item.replayed:
                self._dead_letters.remove([dead_letter_id(Topic.BULK, item, b"")])
        self._chunks.record(job.id, _by_chunk(items, results))

    def _is_dry_run(self, job_id: UUID, stop: threading.Event) -> bool:
        job = retry_until_stopped(lambda: self._job(job_id), stop, "job")
        return job is not None and job.dry_run

    def _job(self, job_id: UUID) -> AssetJob | None:
        now_s = self._clock.monotonic_s()
        read_s, job = self._known.get(job_id, (float("-inf"), None))
        if now_s - read_s > _JOB_KEPT_S:
            found = self._jobs.get(job_id)
            job = found if isinstance(found, AssetJob) else None
            fresh = {known: entry for known, entry in self._known.items() if now_s - entry[0] <= _JOB_KEPT_S}
            self._known = fresh | {job_id: (now_s, job)}
        return job


def _by_chunk(items: Mapping[UUID, JobItem], results: Mapping[UUID, ItemResult]) -> dict[int, dict[UUID, ItemResult]]:
    by_chunk: dict[int, dict[UUID, ItemResult]] = defaultdict(dict)
    for asset_id, result in results.items():
        by_chunk[items[asset_id].chunk][asset_id] = result
    return by_chunk
