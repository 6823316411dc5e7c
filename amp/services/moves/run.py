"""Drives the recorded move to its end, phase by phase (ADR 007)."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from amp.domain.buckets import BucketMap
from amp.domain.jobs import Job, JobState
from amp.domain.move_phases import InvalidPhase, cancelled, dual, ended, hold, switched
from amp.domain.moves import Move, Phase
from amp.domain.storable_text import storable_reason
from amp.errors import Invalid, NotFound, Retryable
from amp.ports.bucket_documents import BucketDocuments
from amp.ports.bucket_indices import BucketIndices
from amp.ports.clock import Clock
from amp.ports.job_log import JobLog
from amp.services.buckets.aliases import MapChanged, MoveAliases
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.jobs.states import JobStates
from amp.services.moves.cleanup import MoveCleanup
from amp.services.moves.copy_documents import DocumentRejected, StaleToken
from amp.services.moves.copy_range import MoveFailed, RangeCopy, range_of
from amp.services.moves.progress import MoveProgress

_log = structlog.get_logger(__name__)
_LOOK_AGAIN_S = 0.1
_STUCK_S = 5.0
_MOST_HOLDS = 5
#: The last note of a move's history.
_ENDED = "ended"
#: A move that waits for longer says why, and again so often.
_WAITS_AFTER_S = 5.0
_TOLD_EVERY_S = 600.0
#: A move that waits fails more often than this. Failures further apart are faults of a move that gets on.
_SAME_WAIT_S = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveTimes:
    """All in seconds."""

    longest_search: float  #: what searches that found the aliases as they were may still take
    longest_hold: float = 5.0  #: writers wait no longer for one attempt
    serve: float = 600.0  #: until the target has all its copies


@dataclass(slots=True)
class _Wait:
    """A phase that failed, and may be waiting for a part; in seconds of the monotonic clock."""

    phase_token: int
    since_s: float
    failed_s: float  #: when it failed last
    told_s: float = float("-inf")  #: when the job's history was told


class MoveRunner:
    """Any process can do it, also beside one that still believes it does: each step is repeatable, and fenced by what
    it takes away. A fault ends `advance`; calling it again goes on where the map says.
    """

    def __init__(
        self,
        *,
        maps: BucketMaps,
        indices: BucketIndices,
        documents: BucketDocuments,
        jobs: JobLog,
        clock: Clock,
        aliases: MoveAliases,
        range_copy: RangeCopy,
        cleanup: MoveCleanup,
        times: MoveTimes,
    ) -> None:
        self._maps = maps
        self._indices = indices
        self._documents = documents
        self._jobs = jobs
        self._states = JobStates(jobs=jobs, clock=clock)
        self._clock = clock
        self._aliases = aliases
        self._range_copy = range_copy
        self._cleanup = cleanup
        self._times = times
        #: The phase this process saw begin last, and when.
        self._seen: tuple[int, float] = (0, 0.0)
        self._meanwhile: Callable[[], None] = lambda: None
        self._wait = _Wait(0, 0.0, 0.0)
        self._phases: dict[Phase, Callable[[BucketMap, Move, threading.Event], None]] = {
            Phase.PLAN: self._plan,
            Phase.DUAL: self._dual,
            Phase.HOLD: self._hold,
            Phase.SWITCHED: self._switched,
            Phase.CANCELLED: self._cancelled,
        }

    def advance(self, stop: threading.Event, meanwhile: Callable[[], None] = lambda: None) -> bool:
        """Take the recorded move onward until it has ended or `stop` is set; False: none was recorded.

        :param meanwhile: called now and then, as a move may take hours.
        :raises Retryable: a part does not answer; call it again.
        """
        worked = False
        self._meanwhile = meanwhile
        while not stop.is_set():
            meanwhile()
            bucket_map = self._maps.refresh()
            move = bucket_map.move
            if move is None:
                break
            worked = True
            if self._seen[0] != move.phase_token:
                self._seen = move.phase_token, self._clock.monotonic_s()
            try:
                self._phases[move.phase](bucket_map, move, stop)
            except (MapChanged, StaleToken):
                self._clock.sleep(_LOOK_AGAIN_S)
            except (MoveFailed, DocumentRejected, NotFound) as e:
                self._give_up(bucket_map, str(e))
            except Retryable as e:
                self._tell_waiting(move, str(e))
                raise
        return worked

    def _plan(self, bucket_map: BucketMap, move: Move, _stop: threading.Event) -> None:
        if bucket_map.bucket_of(move.target) is None:
            try:
                self._indices.create(move.target, loading=True)
            except Invalid as e:
                raise MoveFailed(e.message) from e
        self._to(dual(bucket_map), bucket_map)

    def _dual(self, bucket_map: BucketMap, move: Move, stop: threading.Event) -> None:
        self._aliases.rotate(bucket_map)
        self._aliases.unblock(move)
        self._aliases.drain_kept_target(move)
        self._range_copy.run(move, self._progress(move, stop), stop)
        self._to(hold(bucket_map), bucket_map)

    def _hold(self, bucket_map: BucketMap, move: Move, stop: threading.Event) -> None:
        progress = self._progress(move, stop)
        if self._since_phase_s() > self._times.longest_hold or progress.mark is None:
            if progress.attempts >= _MOST_HOLDS:
                raise MoveFailed(f"writers would wait longer than {self._times.longest_hold:g} s")
            progress.gave_up_hold()
            self._to(dual(bucket_map), bucket_map)
            return
        mark = self._range_copy.approach(move, progress)
        began_s = self._clock.monotonic_s()
        self._aliases.hold(bucket_map)
        self._indices.block(move.source)
        changes = self._range_copy.finish(move, mark)
        self._aliases.switch(bucket_map)
        self._replace(switched(bucket_map), bucket_map)
        self._aliases.unblock(move)
        held_s = self._clock.monotonic_s() - began_s
        self._tell(move, Phase.SWITCHED.value)
        progress.show(held_s=round(held_s, 3), copied_in_hold=changes)

    def _switched(self, bucket_map: BucketMap, move: Move, stop: threading.Event) -> None:
        self._aliases.unblock(move)
        source = bucket_map.bucket_of(move.source)
        narrowed = source is not None
        if self._is_there(move):
            self._indices.refresh([move.source])
            # Searches that found the aliases as they were before still read the source.
            if not narrowed or self._documents.count(move.source, range_of(move)):
                self._wait_for_searches(stop)
            try:
                self._cleanup.clean(move, self._progress(move, stop), empty=narrowed)
            except NotFound as e:
                self._go_on_without(bucket_map, str(e))
                if source is not None:
                    self._cleanup.undo(move, source, self._progress(move, stop))
        if not narrowed:
            self._indices.drop(move.source)
        self._end(bucket_map, move, JobState.COMPLETED)
        if narrowed:
            self._indices.reclaim(move.source)

    def _is_there(self, move: Move) -> bool:
        """False: merged or rebuilt, and dropped by whoever got as far as this before."""
        try:
            self._documents.count(move.source, range_of(move))
        except NotFound:
            return False
        return True

    def _cancelled(self, bucket_map: BucketMap, move: Move, stop: threading.Event) -> None:
        self._aliases.rotate(bucket_map)
        self._aliases.unblock(move)
        kept = bucket_map.bucket_of(move.target)
        if kept is None:
            self._indices.drop(move.target)
        else:
            try:
                self._aliases.drain_kept_target(move)
                self._cleanup.undo(move, kept, self._progress(move, stop))
            except NotFound as e:
                self._go_on_without(bucket_map, str(e))
        self._end(bucket_map, move, JobState.FAILED if move.reason else JobState.CANCELLED)

    def _go_on_without(self, bucket_map: BucketMap, reason: str) -> None:
        """An index was lost: the move ends, and then the bucket worker lets another stand in, which is filled anew.

        :raises MapChanged: others went on meanwhile: what is gone was in their way.
        """
        if self._maps.refresh().generation != bucket_map.generation:
            raise MapChanged
        _log.warning("move goes on without an index", action="move_index_lost", reason=reason)

    def _give_up(self, bucket_map: BucketMap, reason: str) -> None:
        try:
            self._to(cancelled(bucket_map, reason), bucket_map)
        except InvalidPhase:
            if self._maps.refresh().generation != bucket_map.generation:
                return  # others went on meanwhile: what is gone was in their way
            # Past the switch there is no way back; the source stays until this is cured.
            _log.error("move stands still", action="move_stuck", reason=reason)
            self._clock.sleep(_STUCK_S)
        except MapChanged:
            return

    def _to(self, after: BucketMap, before: BucketMap) -> None:
        """:raises MapChanged: the map is another by now."""
        self._replace(after, before)
        assert after.move is not None
        self._tell(after.move, after.move.phase.value)

    def _replace(self, after: BucketMap, before: BucketMap) -> None:
        if not self._maps.replace(after, before):
            raise MapChanged

    def _tell(self, move: Move, phase: str) -> None:
        _log.info("move goes on", action="move_phase", move=str(move.id), phase=phase, kind=move.kind.value)
        self._jobs.note(move.id, self._clock.now_ms(), f"{phase}: {move.reason}" if move.reason else phase)

    def _tell_waiting(self, move: Move, reason: str) -> None:
        """Into the job's history why the move does not get on: an index refuses writes, or a part does not answer."""
        now_s = self._clock.monotonic_s()
        if self._wait.phase_token != move.phase_token:
            self._wait = _Wait(move.phase_token, now_s, now_s)
        wait = self._wait
        if now_s - wait.failed_s > _SAME_WAIT_S:
            wait.since_s = now_s
        wait.failed_s = now_s
        if now_s - wait.since_s < _WAITS_AFTER_S or now_s - wait.told_s < _TOLD_EVERY_S:
            return
        with suppress(Retryable):
            self._jobs.note(move.id, self._clock.now_ms(), f"{move.phase.value} waits: {storable_reason(reason)}")
            wait.told_s = now_s

    def _end(self, bucket_map: BucketMap, move: Move, state: JobState) -> None:
        # In this order: nobody would come back to the record of a move that the map no longer names.
        note = f"{_ENDED}: {move.reason}" if move.reason else _ENDED
        self._states.end(move.id, state, move.reason, note=note)
        self._replace(ended(bucket_map), bucket_map)
        _log.info("move ended", action="move_ended", move=str(move.id), state=state.value, kind=move.kind.value)

    def _progress(self, move: Move, stop: threading.Event) -> MoveProgress:
        job = self._jobs.get(move.id)
        if job is None:
            # Whoever asked for the move died before it could say so.
            job = Job(id=move.id, kind=move.kind.value, parameters={"bucket": move.source}, requested_by="")
            self._jobs.add(job)
        return MoveProgress(self._jobs, self._clock, self._maps, job, move, stop, self._meanwhile)

    def _since_phase_s(self) -> float:
        return self._clock.monotonic_s() - self._seen[1]

    def _wait_for_searches(self, stop: threading.Event) -> None:
        while (left_s := self._times.longest_search - self._since_phase_s()) > 0:
            self._clock.sleep(min(left_s, 0.5))
            if stop.is_set():
                raise MapChanged
