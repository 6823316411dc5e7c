"""Runs the recorded move to its end, phase by phase (ADR 007)."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

import structlog

from amp.domain.buckets import BucketMap
from amp.domain.job_parameters import MoveParameters
from amp.domain.jobs import JobState, MoveJob, Note, NoteKind
from amp.domain.move_phases import InvalidPhase, cancelled, dual, ended, hold, switched
from amp.domain.moves import Move, Phase
from amp.domain.storable_text import storable_reason
from amp.errors import Invalid, NotFound, Retryable
from amp.ports.bucket_documents import DocumentTotals
from amp.ports.bucket_indices import BucketIndices
from amp.ports.clock import Clock
from amp.ports.job_log import JobLog
from amp.ports.metrics import MoveMetrics
from amp.services.buckets.aliases import MapChanged, MoveAliases
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.jobs.states import JobStates
from amp.services.moves.cleanup import MoveCleanup
from amp.services.moves.copy_documents import DocumentRejected, StaleToken
from amp.services.moves.copy_range import MoveFailed, RangeCopy, range_of
from amp.services.moves.progress import MoveProgress

_log = structlog.get_logger(__name__)
_RETRY_PAUSE_S = 0.1
_STUCK_PAUSE_S = 5.0
_MAX_HOLDS = 5
#: The last note in the history of a move.
_ENDED = "ended"
#: A move that waits longer writes the reason to its history, and repeats it at this interval, in seconds.
_WAITS_AFTER_S = 5.0
_NOTE_INTERVAL_S = 600.0
#: Failures within this time of each other, in seconds, mean that a move waits. If they are rarer, it makes progress.
_SAME_WAIT_S = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveTimes:
    """Times of a move, in seconds."""

    longest_search: float  #: how long searches that read the former aliases may still take
    longest_hold: float = 5.0  #: maximum time for which writers wait in one attempt
    serve: float = 600.0  #: maximum time until the target has all its replicas


@dataclass(slots=True)
class _Wait:
    """A phase that failed and may be waiting for a component. Times are of the monotonic clock, in seconds."""

    phase_token: int
    since_s: float
    failed_s: float  #: when it last failed
    noted_s: float = float("-inf")  #: when the last note was written


@dataclass(kw_only=True)
class MoveRunner:
    """Runs the recorded move. Any process may run a move, even concurrently with a mover that was paused: each step is
    repeatable, and fenced by the aliases that it removes. A failure ends `advance`; calling it again continues from the
    map.
    """

    maps: BucketMaps
    indices: BucketIndices
    documents: DocumentTotals
    jobs: JobLog
    clock: Clock
    aliases: MoveAliases
    range_copy: RangeCopy
    cleanup: MoveCleanup
    times: MoveTimes
    metrics: MoveMetrics
    #: The phase that this process last saw begin, and when.
    _seen: tuple[int, float] = field(default=(0, 0.0), init=False)
    _meanwhile: Callable[[], None] = field(default=lambda: None, init=False)
    _wait: "_Wait" = field(default_factory=lambda: _Wait(0, 0.0, 0.0), init=False)

    @cached_property
    def _states(self) -> JobStates:
        return JobStates(jobs=self.jobs, clock=self.clock)

    @cached_property
    def _phases(self) -> Mapping[Phase, Callable[[BucketMap, Move, threading.Event], None]]:
        return {
            Phase.PLAN: self._plan,
            Phase.DUAL: self._dual,
            Phase.HOLD: self._hold,
            Phase.SWITCHED: self._switched,
            Phase.CANCELLED: self._cancelled,
        }

    def advance(self, stop: threading.Event, meanwhile: Callable[[], None] = lambda: None) -> bool:
        """Advance the recorded move until it has ended or `stop` is set. Return False if none was recorded.

        :param meanwhile: called at intervals, because a move may take hours.
        :raises Retryable: a component does not answer; call it again.
        """
        worked = False
        self._meanwhile = meanwhile
        while not stop.is_set():
            meanwhile()
            bucket_map = self.maps.refresh()
            move = bucket_map.move
            if move is None:
                break
            worked = True
            if self._seen[0] != move.phase_token:
                self._seen = move.phase_token, self.clock.monotonic_s()
            try:
                self._phases[move.phase](bucket_map, move, stop)
            except (MapChanged, StaleToken):
                self.clock.sleep(_RETRY_PAUSE_S)
            except (MoveFailed, DocumentRejected, NotFound) as e:
                self._cancel_move(bucket_map, str(e))
            except Retryable as e:
                self._note_waiting(move, str(e))
                raise
        return worked

    def _plan(self, bucket_map: BucketMap, move: Move, _stop: threading.Event) -> None:
        if bucket_map.bucket_of(move.target) is None:
            try:
                self.indices.create(move.target, loading=True)
            except Invalid as e:
                raise MoveFailed(e.message) from e
        self._advance_to(dual(bucket_map), bucket_map)

    def _dual(self, bucket_map: BucketMap, move: Move, stop: threading.Event) -> None:
        self.aliases.rotate(bucket_map)
        self.aliases.unblock(move)
        self.aliases.drain_kept_target(move)
        self.range_copy.run(move, self._progress(move, stop), stop)
        self._advance_to(hold(bucket_map), bucket_map)

    def _hold(self, bucket_map: BucketMap, move: Move, stop: threading.Event) -> None:
        progress = self._progress(move, stop)
        if self._since_phase_s() > self.times.longest_hold or progress.mark is None:
            if progress.attempts >= _MAX_HOLDS:
                raise MoveFailed(f"writers would wait longer than {self.times.longest_hold:g} s")
            progress.hold_abandoned()
            self._advance_to(dual(bucket_map), bucket_map)
            return
        mark = self.range_copy.approach(move, progress)
        began_s = self.clock.monotonic_s()
        self.aliases.hold(bucket_map)
        self.indices.block(move.source)
        self.range_copy.finish(move, mark)
        self.aliases.switch(bucket_map)
        self._replace(switched(bucket_map), bucket_map)
        self.aliases.unblock(move)
        held_s = self.clock.monotonic_s() - began_s
        self._note_phase(move, Phase.SWITCHED.value)
        progress.held(round(held_s, 3))

    def _switched(self, bucket_map: BucketMap, move: Move, stop: threading.Event) -> None:
        self.aliases.unblock(move)
        source = bucket_map.bucket_of(move.source)
        narrowed = source is not None
        if self._source_exists(move):
            self.indices.refresh([move.source])
            # Searches that read the former aliases still use the source.
            if not narrowed or self.documents.count(move.source, range_of(move)):
                self._wait_for_searches(stop)
            try:
                self.cleanup.clean(move, self._progress(move, stop), empty=narrowed)
            except NotFound as e:
                self._continue_without_index(bucket_map, str(e))
                if source is not None:
                    self.cleanup.undo(move, source, self._progress(move, stop))
        if not narrowed:
            self.indices.drop(move.source)
        self._end(bucket_map, move, JobState.COMPLETED)
        if narrowed:
            self.indices.reclaim(move.source)

    def _source_exists(self, move: Move) -> bool:
        """Return whether the source exists. After a merge or a rebuild, another mover may have dropped it already."""
        try:
            self.documents.count(move.source, range_of(move))
        except NotFound:
            return False
        return True

    def _cancelled(self, bucket_map: BucketMap, move: Move, stop: threading.Event) -> None:
        self.aliases.rotate(bucket_map)
        self.aliases.unblock(move)
        kept = bucket_map.bucket_of(move.target)
        if kept is None:
            self.indices.drop(move.target)
        else:
            try:
                self.aliases.drain_kept_target(move)
                self.cleanup.undo(move, kept, self._progress(move, stop))
            except NotFound as e:
                self._continue_without_index(bucket_map, str(e))
        self._end(bucket_map, move, JobState.FAILED if move.reason else JobState.CANCELLED)

    def _continue_without_index(self, bucket_map: BucketMap, reason: str) -> None:
        """Let the move end although an index was lost. The bucket worker then replaces the index and fills it again.

        :raises MapChanged: another mover advanced meanwhile and dropped the index.
        """
        if self.maps.refresh().generation != bucket_map.generation:
            raise MapChanged
        _log.warning("move index lost, continuing without it", action="move_index_lost", reason=reason)

    def _cancel_move(self, bucket_map: BucketMap, reason: str) -> None:
        try:
            self._advance_to(cancelled(bucket_map, reason), bucket_map)
        except InvalidPhase:
            if self.maps.refresh().generation != bucket_map.generation:
                return  # another mover advanced meanwhile and dropped the index
            # After the switch a move cannot be undone. The source stays until the cause is fixed.
            _log.error("move stuck", action="move_stuck", reason=reason)
            self.clock.sleep(_STUCK_PAUSE_S)
        except MapChanged:
            return

    def _advance_to(self, after: BucketMap, before: BucketMap) -> None:
        """Record the next phase.

        :raises MapChanged: another process has changed the map.
        """
        self._replace(after, before)
        assert after.move is not None
        self._note_phase(after.move, after.move.phase.value)

    def _replace(self, after: BucketMap, before: BucketMap) -> None:
        if not self.maps.replace(after, before):
            raise MapChanged

    def _note_phase(self, move: Move, phase: str) -> None:
        _log.info("move phase began", action="move_phase_began", move=str(move.id), phase=phase, kind=move.kind.value)
        text = f"{phase}: {move.reason}" if move.reason else phase
        self.jobs.note(move.id, Note(self.clock.now_ms(), NoteKind.PHASE, text))

    def _note_waiting(self, move: Move, reason: str) -> None:
        """Write to the job's history why the move waits: an index refuses writes, or a component does not answer."""
        now_s = self.clock.monotonic_s()
        if self._wait.phase_token != move.phase_token:
            self._wait = _Wait(move.phase_token, now_s, now_s)
        wait = self._wait
        if now_s - wait.failed_s > _SAME_WAIT_S:
            wait.since_s = now_s
        wait.failed_s = now_s
        if now_s - wait.since_s < _WAITS_AFTER_S or now_s - wait.noted_s < _NOTE_INTERVAL_S:
            return
        with suppress(Retryable):
            text = f"{move.phase.value} waits: {storable_reason(reason)}"
            self.jobs.note(move.id, Note(self.clock.now_ms(), NoteKind.WAITING, text))
            wait.noted_s = now_s

    def _end(self, bucket_map: BucketMap, move: Move, state: JobState) -> None:
        # In this order, because nothing would complete the record of a move that is no longer in the map.
        note = f"{_ENDED}: {move.reason}" if move.reason else _ENDED
        self._states.end(move.id, state, move.reason, note=note)
        self._replace(ended(bucket_map), bucket_map)
        _log.info("move ended", action="move_ended", move=str(move.id), state=state.value, kind=move.kind.value)

    def _progress(self, move: Move, stop: threading.Event) -> MoveProgress:
        job = self.jobs.get(move.id)
        if not isinstance(job, MoveJob):
            # The move has no record. The mover creates one from the bucket map.
            parameters = MoveParameters(bucket=move.source)
            job = MoveJob(id=move.id, kind=move.kind.value, parameters=parameters, requested_by="")
            self.jobs.add(job)
        return MoveProgress(
            jobs=self.jobs,
            clock=self.clock,
            maps=self.maps,
            metrics=self.metrics,
            job=job,
            move=move,
            stop=stop,
            meanwhile=self._meanwhile,
        )

    def _since_phase_s(self) -> float:
        return self.clock.monotonic_s() - self._seen[1]

    def _wait_for_searches(self, stop: threading.Event) -> None:
        while (left_s := self.times.longest_search - self._since_phase_s()) > 0:
            self.clock.sleep(min(left_s, 0.5))
            if stop.is_set():
                raise MapChanged
