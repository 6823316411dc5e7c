"""Does what jobs are for: takes their events, hands them to the job's processor, and records what became of each."""

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
from amp.domain.jobs import Job, JobState
from amp.domain.messages import JobItem, Message, message_json
from amp.domain.storable_text import storable_reason
from amp.errors import AmpError, IndexingStalled, Retryable
from amp.metrics import Metrics
from amp.ports.clock import Clock
from amp.ports.dead_letters import DeadLetters
from amp.ports.job_chunks import JobChunks
from amp.ports.job_log import JobLog
from amp.ports.message_queue import Topic
from amp.services.jobs.processor import Processor
from amp.services.jobs.states import JobStates
from amp.services.runtime.consumer import Failure
from amp.services.runtime.retry import Backoff, Stopped, retry_until_stopped

_log = structlog.get_logger(__name__)
#: The consumer group of everyone who does the work of jobs.
JOBS_GROUP = "jobs"
#: How often an asset is tried that fails for no outside reason.
_ATTEMPTS = 3
_PAUSES = Backoff(first_s=0.1)
#: How old what is known of a job may be: a cancelled one goes on for so long.
_JOB_KEPT_S = 1.0


#: A part that has not answered a job for so long is left until its events come again, so that other jobs get on.
_TURN_S = 30.0
_WAITS = "its bucket refuses writes, or a part or the index workers do nothing: replay it later"
#: How often a job's history tells that some of its assets have to wait.
_TOLD_EVERY_S = 3_600.0


class JobWorker:
    """A handler of `ConsumerLoop`. An asset that cannot be processed is a dead letter and never stops the others. One
    that cannot be processed now is set aside: it gets no result, so the extractor sends its event again later.
    """

    def __init__(
        self,
        jobs: JobLog,
        chunks: JobChunks,
        dead_letters: DeadLetters,
        processors: Mapping[str, Processor],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._jobs = jobs
        self._chunks = chunks
        self._letters = dead_letters
        self._processors = processors
        self._clock = clock
        self._metrics = metrics
        self._states = JobStates(jobs=jobs, clock=clock)
        #: By id, with when it was read; replaced as a whole, as lanes share it.
        self._known: dict[UUID, tuple[float, Job | None]] = {}
        #: When each job was told last that some of its assets have to wait.
        self._told_s: dict[UUID, float] = {}

    def handle(self, messages: Sequence[Message], stop: threading.Event) -> Mapping[Message, Failure]:
        """Do the work of these messages, as long as it takes; those that are given up.

        :raises Stopped: `stop` was set before all was done.
        """
        failures: dict[Message, Failure] = {
            message: Failure("no event of a job") for message in messages if not isinstance(message, JobItem)
        }
        by_job: dict[UUID, dict[UUID, JobItem]] = defaultdict(dict)
        for message in messages:
            if isinstance(message, JobItem):
                # An asset that comes twice is worked on once. A replayed event wins: it counts although the job ended.
                before = by_job[message.job_id].get(message.asset_id)
                if before is None or not before.replayed:
                    by_job[message.job_id][message.asset_id] = message
        for job_id, events in by_job.items():
            given_up = self._handle_or_fail(job_id, events, stop)
            if given_up and not self._is_dry_run(job_id, stop):
                failures |= given_up
        return failures

    def _handle_or_fail(
        self, job_id: UUID, events: Mapping[UUID, JobItem], stop: threading.Event
    ) -> Mapping[Message, Failure]:
        """An error that is no asset's is the job's: it ends so, its events are given up, and the other jobs go on."""
        try:
            return self._handle(job_id, events, stop)
        except Stopped:
            raise
        except Exception as e:  # noqa: BLE001 - whatever is wrong with one job, the others shall not suffer
            _log.exception("job failed", action="job_failed", job=str(job_id))
            reason, detail = storable_reason(f"unexpected error: {e!r}"), traceback.format_exc()
        retry_until_stopped(lambda: self._states.end(job_id, JobState.FAILED, reason), stop, "job")
        failed = ItemResult(ItemOutcome.FAILED, reason)
        with suppress(Exception):  # what went wrong may go wrong here as well; then the job counts fewer
            self._chunks.record(job_id, _by_chunk(events, dict.fromkeys(events, failed)))
        return {event: Failure(reason, detail) for event in events.values()}

    def _handle(self, job_id: UUID, events: Mapping[UUID, JobItem], stop: threading.Event) -> dict[Message, Failure]:
        job = retry_until_stopped(lambda: self._job(job_id), stop, "job")
        if job is None:
            return {}
        if job.state.ended:
            events = {asset_id: event for asset_id, event in events.items() if event.replayed}
        if not events:
            return {}
        processor = self._processors.get(job.kind)
        if processor is None:
            return {
                event: Failure(f"there is no processor for jobs of kind {job.kind!r} here") for event in events.values()
            }
        results, details = self._process(job, processor, list(events), stop)
        if waiting := [event for asset_id, event in events.items() if asset_id not in results]:
            self._tell_waiting(job, len(waiting))
            # Nobody sends these again.
            results |= {event.asset_id: ItemResult(ItemOutcome.FAILED, _WAITS) for event in waiting if event.replayed}
        retry_until_stopped(lambda: self._record(job, events, results, details), stop, "job")
        for outcome, count in Counter(result.outcome for result in results.values()).items():
            self._metrics.job_assets.labels(job.kind, outcome).inc(count)
        return {}

    def _process(
        self, job: Job, processor: Processor, ids: Sequence[UUID], stop: threading.Event
    ) -> tuple[dict[UUID, ItemResult], dict[UUID, str]]:
        """What became of the assets that were not set aside, and the stack traces of those that failed by an error of
        ours."""
        try:
            return dict(self._results(job, processor, ids, stop)), {}
        except Stopped:
            raise
        except Exception as e:  # noqa: BLE001 - whatever an asset does to a processor, the others shall not suffer
            _log.warning("job stumbles", action="job_stumbles", job=str(job.id), assets=len(ids), reason=repr(e))
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
        self, job: Job, processor: Processor, ids: Sequence[UUID], stop: threading.Event
    ) -> Mapping[UUID, ItemResult]:
        """What became of the assets; of none of them once a part has not answered for too long."""
        began_s = self._clock.monotonic_s()

        def process() -> Mapping[UUID, ItemResult]:
            try:
                return processor.process(job, ids, stop)
            except Retryable as e:
                has_waited = isinstance(e, IndexingStalled) or self._clock.monotonic_s() - began_s >= _TURN_S
                if not has_waited:
                    raise
                _log.warning("job set aside", action="job_set_aside", job=str(job.id), assets=len(ids), reason=str(e))
                return {}

        return retry_until_stopped(process, stop, "job")

    def _process_one(
        self, job: Job, processor: Processor, asset_id: UUID, stop: threading.Event
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

    def _tell_waiting(self, job: Job, count: int) -> None:
        now_s = self._clock.monotonic_s()
        _log.info("job waits", action="job_waits", job=str(job.id), assets=count)
        if now_s - self._told_s.get(job.id, float("-inf")) < _TOLD_EVERY_S:
            return
        self._told_s = {id_: at_s for id_, at_s in self._told_s.items() if now_s - at_s < _TOLD_EVERY_S}
        self._told_s[job.id] = now_s
        note = "assets wait: their bucket refuses writes, or a part or the index workers do nothing (see /readyz)"
        with suppress(Retryable):
            self._jobs.note(job.id, self._clock.now_ms(), note)

    def _record(
        self,
        job: Job,
        events: Mapping[UUID, JobItem],
        results: Mapping[UUID, ItemResult],
        details: Mapping[UUID, str],
    ) -> None:
        """The dead letters before the results: a job that has ended has all its failures listed. A dry run leaves no
        dead letters, as there is nothing to do again."""
        for asset_id, result in results.items():
            event = events[asset_id]
            if result.outcome is ItemOutcome.FAILED and not job.dry_run:
                payload, detail = orjson.dumps(message_json(event)), details.get(asset_id, "")
                self._letters.put(
                    dead_letter_for(Topic.BULK, event, payload, result.note, detail, self._clock.now_ms())
                )
                self._metrics.dead_letters.inc()
            elif event.replayed:
                self._letters.remove([dead_letter_id(Topic.BULK, event, b"")])
        self._chunks.record(job.id, _by_chunk(events, results))

    def _is_dry_run(self, job_id: UUID, stop: threading.Event) -> bool:
        job = retry_until_stopped(lambda: self._job(job_id), stop, "job")
        return job is not None and job.dry_run

    def _job(self, job_id: UUID) -> Job | None:
        now_s = self._clock.monotonic_s()
        read_s, job = self._known.get(job_id, (float("-inf"), None))
        if now_s - read_s > _JOB_KEPT_S:
            job = self._jobs.get(job_id)
            fresh = {known: entry for known, entry in self._known.items() if now_s - entry[0] <= _JOB_KEPT_S}
            self._known = fresh | {job_id: (now_s, job)}
        return job


def _by_chunk(events: Mapping[UUID, JobItem], results: Mapping[UUID, ItemResult]) -> dict[int, dict[UUID, ItemResult]]:
    by_chunk: dict[int, dict[UUID, ItemResult]] = defaultdict(dict)
    for asset_id, result in results.items():
        by_chunk[events[asset_id].chunk][asset_id] = result
    return by_chunk
