"""Drives the recorded move to its end, phase by phase (ADR 007)."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from amp.domain.buckets import Bucket, BucketMap, write_alias
from amp.domain.jobs import Job, JobState
from amp.domain.move_phases import WrongPhase, cancelled, dual, ended, hold, switched
from amp.domain.moves import Move, Phase
from amp.errors import Invalid, NotFound, SearchUnavailable
from amp.ports.bucket_documents import BucketDocuments, Range, RawDocument
from amp.ports.bucket_indices import BucketIndices
from amp.ports.clock import Clock
from amp.ports.job_log import JobLog
from amp.ports.search_index import Written
from amp.services.bucket_maps import BucketMaps
from amp.services.copy_documents import PAGE, Copy, CopyDocuments, Fenced, Unacceptable
from amp.services.match_ranges import MatchRanges
from amp.services.move_aliases import LookAgain, MoveAliases
from amp.services.move_progress import MoveProgress

_log = structlog.get_logger(__name__)
_LOOK_AGAIN_S = 0.1
_STUCK_S = 5.0
#: Changes that may be left to be copied while writers wait.
_FEW = 500
_MOST_ROUNDS = 20
_MOST_HOLDS = 5
#: What is under way when a pass over the whole range compares it.
_UNDER_WAY = 50


class CannotMove(Exception):
    """The move gives itself up; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveTimes:
    """All in seconds."""

    longest_search: float  #: what searches that found the aliases as they were may still take
    longest_hold: float = 5.0  #: writers wait no longer for one attempt
    serve: float = 600.0  #: until the target has all its copies


class RunMoves:
    """Any process can do it, also beside one that still believes it does: each step is repeatable, and fenced by what
    it takes away. A fault ends `advance`; calling it again goes on where the map says.
    """

    def __init__(
        self,
        maps: BucketMaps,
        indices: BucketIndices,
        documents: BucketDocuments,
        jobs: JobLog,
        clock: Clock,
        aliases: MoveAliases,
        copier: CopyDocuments,
        times: MoveTimes,
    ) -> None:
        self._maps = maps
        self._indices = indices
        self._documents = documents
        self._jobs = jobs
        self._clock = clock
        self._aliases = aliases
        self._copier = copier
        self._matcher = MatchRanges(documents, copier)
        self._times = times
        #: The phase this process saw begin last, and when.
        self._seen: tuple[int, float] = (0, 0.0)
        self._phases: dict[Phase, Callable[[BucketMap, Move, threading.Event], None]] = {
            Phase.PLAN: self._plan,
            Phase.DUAL: self._dual,
            Phase.HOLD: self._hold,
            Phase.SWITCHED: self._switched,
            Phase.CANCELLED: self._cancelled,
        }

    def advance(self, stop: threading.Event) -> bool:
        """Take the recorded move onward until it has ended or `stop` is set; False: none was recorded.

        :raises Retryable: a part does not answer; call it again.
        """
        worked = False
        while not stop.is_set():
            bucket_map = self._maps.refresh()
            move = bucket_map.move
            if move is None:
                break
            worked = True
            if self._seen[0] != move.phase_token:
                self._seen = move.phase_token, self._clock.monotonic_s()
            try:
                self._phases[move.phase](bucket_map, move, stop)
            except (LookAgain, Fenced):
                self._clock.sleep(_LOOK_AGAIN_S)
            except (CannotMove, Unacceptable, NotFound) as e:
                self._give_up(bucket_map, str(e))
        return worked

    def _plan(self, bucket_map: BucketMap, move: Move, _stop: threading.Event) -> None:
        if bucket_map.bucket_of(move.target) is None:
            try:
                self._indices.create(move.target, loading=True)
            except Invalid as e:
                raise CannotMove(e.message) from e
        self._progress(move)
        self._to(dual(bucket_map), bucket_map)

    def _dual(self, bucket_map: BucketMap, move: Move, stop: threading.Event) -> None:
        self._aliases.rotate(bucket_map)
        self._aliases.unblock(move)
        progress = self._progress(move)
        if progress.mark is None:
            self._copy_all(move, progress, stop)
        self._catch_up(move, progress, stop)
        self._verify(move, progress, stop)
        self._catch_up(move, progress, stop)
        if not stop.is_set():
            self._to(hold(bucket_map), bucket_map)

    def _copy_all(self, move: Move, progress: MoveProgress, stop: threading.Event) -> None:
        of = _range(move)
        first = progress.first_mark
        if first is None:
            first = self._documents.mark(move.source)
            self._indices.refresh([move.source])
            progress.begin_copy(first, self._documents.count(move.source, of))
        self._copier.run(
            Copy(move.source, _target_alias(move), of),
            stop,
            after=progress.after,
            pace=lambda count: progress.pace(count, stop),
            copied=progress.copied,
        )
        if stop.is_set():
            raise LookAgain
        progress.caught_up(first)

    def _catch_up(self, move: Move, progress: MoveProgress, stop: threading.Event) -> None:
        """Copy what was written since, until little is left."""
        for _ in range(_MOST_ROUNDS):
            mark = self._documents.mark(move.source)
            self._indices.refresh([move.source])
            copy = Copy(move.source, _target_alias(move), _range(move), since=progress.mark)
            changes = self._copier.run(copy, stop, pace=lambda count: progress.pace(count, stop))
            if stop.is_set():
                raise LookAgain
            progress.caught_up(mark)
            if changes <= _FEW:
                return
        raise CannotMove("changes come faster than they are copied; a higher rate may help")

    def _verify(self, move: Move, progress: MoveProgress, stop: threading.Event) -> None:
        """Nothing should be missing: what is, is copied, and must become little."""
        if not self._indices.serve(move.target, self._times.serve):
            raise CannotMove(f"not all copies of {move.target} are there after {self._times.serve:g} s")
        last = None
        while True:
            self._indices.refresh([move.source, move.target])
            parts = self._matcher.differing(move.source, move.target, _range(move))
            missing = sum(self._bring_forward(move, part, progress, stop) for part in parts)
            if missing <= _UNDER_WAY:
                return
            _log.warning("copy differs", action="move_verify", move=str(move.id), documents=missing)
            if last is not None and missing >= last:
                raise CannotMove(f"{missing} documents are missing from the copy, after {last} before")
            last = missing

    def _bring_forward(self, move: Move, part: Range, progress: MoveProgress, stop: threading.Event) -> int:
        pages = self._matcher.bring_forward(move, _target_alias(move), part, lambda count: progress.pace(count, stop))
        return sum(copied for _, copied in pages)

    def _hold(self, bucket_map: BucketMap, move: Move, _stop: threading.Event) -> None:
        progress = self._progress(move)
        if self._since_phase_s() > self._times.longest_hold or progress.mark is None:
            if progress.attempts >= _MOST_HOLDS:
                raise CannotMove(f"writers would wait longer than {self._times.longest_hold:g} s")
            progress.gave_up_hold()
            self._to(dual(bucket_map), bucket_map)
            return
        self._aliases.hold(bucket_map)
        self._indices.block(move.source)
        self._indices.refresh([move.source])
        # Not to be interrupted half-way, hence an event of its own.
        copy = Copy(move.source, _target_alias(move), _range(move), since=progress.mark)
        changes = self._copier.run(copy, threading.Event())
        self._indices.refresh([move.target])
        self._aliases.switch(bucket_map)
        self._to(switched(bucket_map), bucket_map)
        self._aliases.unblock(move)
        progress.show(held_s=round(self._since_phase_s(), 3), copied_in_hold=changes)

    def _switched(self, bucket_map: BucketMap, move: Move, stop: threading.Event) -> None:
        self._aliases.unblock(move)
        progress, narrowed = self._progress(move), bucket_map.bucket_of(move.source) is not None
        if self._is_there(move):
            self._indices.refresh([move.source])
            # Searches that found the aliases as they were before still read the source.
            if not narrowed or self._documents.count(move.source, _range(move)):
                self._wait_for_searches(stop)
            self._clean(move, progress, narrowed, stop)
        if not narrowed:
            self._indices.drop(move.source)
        self._end(bucket_map, move, JobState.COMPLETED)
        if narrowed:
            self._indices.reclaim(move.source)

    def _is_there(self, move: Move) -> bool:
        """False: merged or rebuilt, and dropped by whoever got as far as this before."""
        try:
            self._documents.count(move.source, _range(move))
        except NotFound:
            return False
        return True

    def _clean(self, move: Move, progress: MoveProgress, narrowed: bool, stop: threading.Event) -> None:
        """The source holds nothing any more that the target lacks; if it stays a bucket, nothing of the range."""
        of, to_target = _range(move), write_alias(move.target, move.switch_token)
        pages = self._matcher.bring_forward(move, to_target, of, lambda count: progress.pace(count, stop))
        for page, _ in pages:
            if narrowed:
                self._delete(write_alias(move.source, move.switch_token), page)
        if narrowed:
            self._require_empty(move.source, of)

    def _cancelled(self, bucket_map: BucketMap, move: Move, stop: threading.Event) -> None:
        self._aliases.rotate(bucket_map)
        self._aliases.unblock(move)
        kept = bucket_map.bucket_of(move.target)
        if kept is None:
            self._indices.drop(move.target)
        else:
            self._undo_copy(kept, move, stop)
        self._end(bucket_map, move, JobState.FAILED if move.reason else JobState.CANCELLED)

    def _undo_copy(self, kept: Bucket, move: Move, stop: threading.Event) -> None:
        """A bucket that should have taken up its neighbour holds only its own again."""
        of, after, progress = _range(move), None, self._progress(move)
        self._indices.refresh([kept.index])
        while page := self._documents.page(kept.index, of, after=after, limit=PAGE, bodies=False):
            progress.pace(len(page), stop)
            self._delete(kept.write_alias, page)
            after = page[-1].position
        self._require_empty(kept.index, of)

    def _delete(self, alias: str, documents: list[RawDocument]) -> None:
        """Those that are newer by now stay."""
        results = self._documents.delete(alias, documents)
        if any(result.written is Written.STALE for result in results):
            raise Fenced
        if busy := [result for result in results if result.written is Written.BUSY]:
            raise SearchUnavailable(f"{len(busy)} documents could not be removed: {busy[0].reason}")

    def _require_empty(self, index: str, of: Range) -> None:
        self._indices.refresh([index])
        if self._documents.count(index, of):
            raise LookAgain

    def _give_up(self, bucket_map: BucketMap, reason: str) -> None:
        try:
            self._to(cancelled(bucket_map, reason), bucket_map)
        except WrongPhase:
            # Past the switch there is no way back; the source stays until this is cured.
            _log.error("move stands still", action="move_stuck", reason=reason)
            self._clock.sleep(_STUCK_S)
        except LookAgain:
            return

    def _to(self, after: BucketMap, before: BucketMap) -> None:
        """:raises LookAgain: the map is another by now."""
        if not self._maps.replace(after, before):
            raise LookAgain
        move = after.move or before.move
        assert move is not None
        what = move.phase.value if after.move else "ended"
        _log.info("move goes on", action="move_phase", move=str(move.id), phase=what, kind=move.kind.value)
        self._jobs.note(move.id, self._clock.now_ms(), f"{what}: {move.reason}" if move.reason else what)

    def _end(self, bucket_map: BucketMap, move: Move, state: JobState) -> None:
        # In this order: nobody would come back to the record of a move that the map no longer names.
        self._jobs.set_state(move.id, state, reason=move.reason, ended_ms=self._clock.now_ms())
        self._to(ended(bucket_map), bucket_map)

    def _progress(self, move: Move) -> MoveProgress:
        job = self._jobs.get(move.id)
        if job is None:
            # Whoever asked for the move died before it could say so.
            job = Job(id=move.id, kind=move.kind.value, parameters={"bucket": move.source}, requested_by="")
            self._jobs.add(job)
        return MoveProgress(self._jobs, self._clock, self._maps, job, move)

    def _since_phase_s(self) -> float:
        return self._clock.monotonic_s() - self._seen[1]

    def _wait_for_searches(self, stop: threading.Event) -> None:
        while (left_s := self._times.longest_search - self._since_phase_s()) > 0:
            self._clock.sleep(min(left_s, 0.5))
            if stop.is_set():
                raise LookAgain


def _range(move: Move) -> Range:
    return Range(move.start_ms, move.end_ms)


def _target_alias(move: Move) -> str:
    return write_alias(move.target, move.dual_token)
