"""The log of jobs in Cassandra: one row per job, lists of job ids (by month, and of open jobs), and notes."""

import time
from typing import Any
from uuid import UUID

import orjson

from amp.adapters.cassandra.session import CassandraSession, Mode, Request
from amp.adapters.cassandra.settling import settle
from amp.domain.ids import created_ms
from amp.domain.job_json import (
    JobRow,
    checkpoint_json,
    job_checkpoint_json,
    job_from_row,
    job_parameters_json,
    progress_json,
)
from amp.domain.jobs import Checkpoint, Job, JobProgress, JobState, Note, NoteKind, open_states

_SLOT_MS = 30 * 86_400_000
#: If an id has been listed as open for longer than this, in milliseconds, but has no job, adding it was interrupted.
#: What counts is the age of the listing, not of the id: a repeated request may add a job under the id that its first
#: attempt claimed days before.
_INTERRUPTED_AFTER_MS = 86_400_000

_COLUMNS = "id, kind, parameters, requested_by, state, reason, ended_ms, rate, progress, checkpoint"
_ADD = f"INSERT INTO {{ks}}.jobs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS"
_GET = f"SELECT {_COLUMNS}, change_notes, state_notes FROM {{ks}}.jobs WHERE id = ?"
_SAVE_PROGRESS = "UPDATE {ks}.jobs SET progress = ?, checkpoint = ? WHERE id = ? IF state IN ?"
_SAVE_OVER = f"{_SAVE_PROGRESS} AND checkpoint = ?"
_CHECKPOINT = "SELECT checkpoint, state FROM {ks}.jobs WHERE id = ?"
_SET_STATE = (
    "UPDATE {ks}.jobs SET state = ?, reason = ?, ended_ms = ?, state_notes = state_notes + ? WHERE id = ? IF state IN ?"
)
_STATE = "SELECT state, reason, ended_ms, state_notes FROM {ks}.jobs WHERE id = ?"
_SET_RATE = "UPDATE {ks}.jobs SET rate = ?, state_notes = state_notes + ? WHERE id = ? IF state IN ?"
_FORGET = "DELETE FROM {ks}.jobs WHERE id = ? IF EXISTS"

_OPEN_STATES = [state.value for state in open_states()]

_ADD_SLOT = "INSERT INTO {ks}.job_slots (list, slot) VALUES ('all', ?)"
_SLOTS = "SELECT slot FROM {ks}.job_slots WHERE list = 'all'"
_SLOTS_TO = "SELECT slot FROM {ks}.job_slots WHERE list = 'all' AND slot <= ?"
_LIST = "INSERT INTO {ks}.listed_jobs (slot, began_ms, id) VALUES (?, ?, ?)"
_LISTED = "SELECT began_ms, id FROM {ks}.listed_jobs WHERE slot = ? LIMIT ?"
_LISTED_BEFORE = "SELECT began_ms, id FROM {ks}.listed_jobs WHERE slot = ? AND (began_ms, id) < (?, ?) LIMIT ?"
_UNLIST = "DELETE FROM {ks}.listed_jobs WHERE slot = ? AND began_ms = ? AND id = ?"

_ADD_OPEN = "INSERT INTO {ks}.open_jobs (list, id) VALUES ('all', ?)"
_OPEN = "SELECT id FROM {ks}.open_jobs WHERE list = 'all'"
_REMOVE_OPEN = "DELETE FROM {ks}.open_jobs WHERE list = 'all' AND id = ?"
_REMOVE_OPEN_AT = "DELETE FROM {ks}.open_jobs USING TIMESTAMP ? WHERE list = 'all' AND id = ?"

_NOTE = "INSERT INTO {ks}.job_notes (job_id, at_ms, note, kind) VALUES (?, ?, ?, ?)"
_NOTES = "SELECT at_ms, kind, note FROM {ks}.job_notes WHERE job_id = ?"
_FORGET_NOTES = "DELETE FROM {ks}.job_notes WHERE job_id = ?"


class CassandraJobLog:
    """Implements `JobLog`. The row of a job is written only conditionally, so that writes take effect in one order even
    if clocks differ.
    """

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def add(self, job: Job) -> None:
        began_ms = created_ms(job.id)
        slot = began_ms // _SLOT_MS
        before: list[Request] = [(_ADD_SLOT, (slot,)), (_LIST, (slot, began_ms, job.id)), (_ADD_OPEN, (job.id,))]
        before += [(_NOTE, _note_values(job.id, note)) for note in job.history]
        self._session.rows_of_many(before)
        values = (
            job.id,
            job.kind,
            orjson.dumps(job_parameters_json(job)).decode(),
            job.requested_by,
            job.state.value,
            job.reason,
            job.ended_ms,
            job.rate,
            _progress(job.progress),
            orjson.dumps(job_checkpoint_json(job)).decode(),
        )
        self._session.run(_ADD, values, Mode.CONDITIONAL)

    def get(self, job_id: UUID) -> Job | None:
        rows, notes = self._session.rows_of_many([(_GET, (job_id,)), (_NOTES, (job_id,))])
        if not rows:
            return None
        *_, change_notes, state_notes = rows[0]
        all_notes = {Note(at_ms, NoteKind(kind), text) for at_ms, kind, text in notes}
        all_notes |= {Note(at_ms, NoteKind(kind), text) for at_ms, kind, text in state_notes or ()}
        # Earlier releases wrote these.
        all_notes |= {Note(at_ms, NoteKind.OTHER, text) for at_ms, text in change_notes or ()}
        return _job_of(rows[0], tuple(sorted(all_notes, key=lambda note: (note.at_ms, note.text))))

    def page(self, before: UUID | None, limit: int) -> list[Job]:
        at = None if before is None else (created_ms(before), before)
        slots = self._session.run(_SLOTS) if at is None else self._session.run(_SLOTS_TO, (at[0] // _SLOT_MS,))
        jobs: list[Job] = []
        for (slot,) in slots:
            # The slot is read again if some listed ids have no job because adding it was interrupted.
            while len(jobs) < limit:
                wanted = limit - len(jobs)
                listed = self._listed(slot, at, wanted)
                answers = self._session.rows_of_many([(_GET, (job_id,)) for _, job_id in listed])
                jobs += [_job_of(rows[0]) for rows in answers if rows]
                if len(listed) < wanted:
                    break
                at = listed[-1]
        return jobs

    def open(self) -> list[Job]:
        ids = [row[0] for row in self._session.run(_OPEN)]
        answers = self._session.rows_of_many([(_GET, (job_id,)) for job_id in ids])
        jobs = [_job_of(rows[0]) for rows in answers if rows]
        removals: list[Request] = [(_REMOVE_OPEN, (job.id,)) for job in jobs if job.state.ended]
        old_ms = time.time_ns() // 1_000_000 - _INTERRUPTED_AFTER_MS
        without = [job_id for job_id, rows in zip(ids, answers, strict=True) if not rows]
        # Dated to the past, so that a listing that was written since remains.
        removals += [(_REMOVE_OPEN_AT, (old_ms * 1000, job_id)) for job_id in without if created_ms(job_id) < old_ms]
        self._session.rows_of_many(removals)
        return sorted((job for job in jobs if not job.state.ended), key=lambda job: (created_ms(job.id), job.id.bytes))

    def forget(self, job_id: UUID) -> None:
        began_ms = created_ms(job_id)
        # The lists come last: a listed id without a job is skipped, while a job that is not listed would remain.
        self._session.run(_FORGET_NOTES, (job_id,))
        self._session.run(_FORGET, (job_id,), Mode.CONDITIONAL)
        self._session.rows_of_many([(_UNLIST, (began_ms // _SLOT_MS, began_ms, job_id)), (_REMOVE_OPEN, (job_id,))])

    def save_progress(
        self,
        job_id: UUID,
        progress: JobProgress,
        checkpoint: Checkpoint,
        *,
        expected: Checkpoint | None = None,
    ) -> bool:
        wanted = _checkpoint(checkpoint)
        values = (_progress(progress), wanted, job_id, _OPEN_STATES)
        if expected is None:
            return self._applied(_SAVE_PROGRESS, values)
        before = _checkpoint(expected)

        def read_state() -> bool | None:
            # None: the write may still take effect, or may be sent again.
            rows = self._session.run(_CHECKPOINT, (job_id,), Mode.SERIAL)
            if not rows or rows[0][1] not in _OPEN_STATES:
                return False
            return True if rows[0][0] == wanted else None if rows[0][0] == before else False

        return settle(lambda: self._applied(_SAVE_OVER, (*values, before)), read_state)

    def set_state(
        self,
        job_id: UUID,
        state: JobState,
        *,
        expected: JobState | None = None,
        reason: str = "",
        ended_ms: int | None = None,
        note: Note | None = None,
    ) -> bool:
        wanted, states = (state.value, reason, ended_ms), [each.value for each in open_states(expected)]
        new_notes = _notes(note)
        if not states:
            return False

        def read_state() -> bool | None:
            # None: the write may still take effect, or may be sent again.
            rows = self._session.run(_STATE, (job_id,), Mode.SERIAL)
            if rows and tuple(rows[0][:3]) == wanted and new_notes <= set(rows[0][3] or ()):
                return True
            return None if rows and rows[0][0] in states else False

        return settle(lambda: self._applied(_SET_STATE, (*wanted, new_notes, job_id, states)), read_state)

    def set_rate(self, job_id: UUID, rate: float | None, note: Note | None = None) -> bool:
        return self._applied(_SET_RATE, (rate, _notes(note), job_id, _OPEN_STATES))

    def _applied(self, cql: str, values: tuple[Any, ...]) -> bool:
        return bool(self._session.run(cql, values, Mode.CONDITIONAL)[0]["[applied]"])

    def note(self, job_id: UUID, note: Note) -> None:
        self._session.run(_NOTE, _note_values(job_id, note))

    def _listed(self, slot: int, at: tuple[int, UUID] | None, limit: int) -> list[tuple[int, UUID]]:
        if at is None:
            return self._session.run(_LISTED, (slot, limit))
        return self._session.run(_LISTED_BEFORE, (slot, *at, limit))


def _notes(note: Note | None) -> set[tuple[int, str, str]]:
    return set() if note is None else {(note.at_ms, note.kind.value, note.text)}


def _note_values(job_id: UUID, note: Note) -> tuple[UUID, int, str, str]:
    return job_id, note.at_ms, note.text, note.kind.value


def _progress(progress: JobProgress) -> str:
    return orjson.dumps(progress_json(progress)).decode()


def _checkpoint(checkpoint: Checkpoint) -> str:
    return orjson.dumps(checkpoint_json(checkpoint)).decode()


def _job_of(row: tuple[Any, ...], history: tuple[Note, ...] = ()) -> Job:
    return job_from_row(JobRow(*row[: len(JobRow._fields)]), history)
