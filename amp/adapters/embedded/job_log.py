"""The log of jobs on SQLite."""

from typing import Any
from uuid import UUID

import orjson

from amp.adapters.embedded.database import Database
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

_COLUMNS = "id, kind, parameters, requested_by, state, reason, ended_ms, rate, progress, checkpoint"
_ADD = f"INSERT OR IGNORE INTO jobs ({_COLUMNS}, began_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_GET = f"SELECT {_COLUMNS} FROM jobs WHERE id = ?"
_NEWEST = f"SELECT {_COLUMNS} FROM jobs ORDER BY began_ms DESC, id DESC LIMIT ?"
_NEWEST_BEFORE = f"SELECT {_COLUMNS} FROM jobs WHERE (began_ms, id) < (?, ?) ORDER BY began_ms DESC, id DESC LIMIT ?"
#: SQLite uses the partial index of open jobs only if the condition has the same text as that of the index.
_OPEN = f"SELECT {_COLUMNS} FROM jobs WHERE state IN ('running', 'paused') ORDER BY began_ms, id"
_SAVE = (
    "UPDATE jobs SET progress = ?, checkpoint = ? "
    "WHERE id = ? AND state IN (?, ?) AND checkpoint = coalesce(?, checkpoint)"
)
_NOTE = "INSERT OR IGNORE INTO job_notes (job_id, at_ms, kind, note) VALUES (?, ?, ?, ?)"
_NOTES = "SELECT at_ms, kind, note FROM job_notes WHERE job_id = ? ORDER BY at_ms, note"


class SqliteJobLog:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: Job) -> None:
        values = (
            job.id.bytes,
            job.kind,
            orjson.dumps(job_parameters_json(job)),
            job.requested_by,
            job.state,
            job.reason,
            job.ended_ms,
            job.rate,
            _progress(job.progress),
            orjson.dumps(job_checkpoint_json(job)),
            created_ms(job.id),
        )
        with self._database.writing() as connection:
            connection.execute(_ADD, values)
            connection.executemany(_NOTE, [_note_values(job.id, note) for note in job.history])

    def get(self, job_id: UUID) -> Job | None:
        with self._database.reading() as connection:
            row = connection.execute(_GET, (job_id.bytes,)).fetchone()
            if row is None:
                return None
            notes = connection.execute(_NOTES, (job_id.bytes,)).fetchall()
        return _job_of(row, tuple(Note(at_ms, NoteKind(kind), text) for at_ms, kind, text in notes))

    def page(self, before: UUID | None, limit: int) -> list[Job]:
        query, values = (_NEWEST, ()) if before is None else (_NEWEST_BEFORE, (created_ms(before), before.bytes))
        with self._database.reading() as connection:
            rows = connection.execute(query, (*values, limit)).fetchall()
        return [_job_of(row) for row in rows]

    def open(self) -> list[Job]:
        with self._database.reading() as connection:
            return [_job_of(row) for row in connection.execute(_OPEN)]

    def forget(self, job_id: UUID) -> None:
        with self._database.writing() as connection:
            connection.execute("DELETE FROM job_notes WHERE job_id = ?", (job_id.bytes,))
            connection.execute("DELETE FROM jobs WHERE id = ?", (job_id.bytes,))

    def save_progress(
        self,
        job_id: UUID,
        progress: JobProgress,
        checkpoint: Checkpoint,
        *,
        expected: Checkpoint | None = None,
    ) -> bool:
        expected_json = None if expected is None else _checkpoint(expected)
        values = (_progress(progress), _checkpoint(checkpoint), job_id.bytes, *open_states(), expected_json)
        with self._database.writing() as connection:
            return bool(connection.execute(_SAVE, values).rowcount)

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
        changes = {"state": state, "reason": reason, "ended_ms": ended_ms}
        return self._update(job_id, changes, note, expected)

    def set_rate(self, job_id: UUID, rate: float | None, note: Note | None = None) -> bool:
        return self._update(job_id, {"rate": rate}, note)

    def note(self, job_id: UUID, note: Note) -> None:
        with self._database.writing() as connection:
            connection.execute(_NOTE, _note_values(job_id, note))

    def _update(
        self, job_id: UUID, values: dict[str, Any], note: Note | None, expected: JobState | None = None
    ) -> bool:
        """Return whether the job existed and was in the state `expected`. None: it had not ended."""
        columns, states = ", ".join(f"{name} = ?" for name in values), open_states(expected)
        query = f"UPDATE jobs SET {columns} WHERE id = ? AND state IN ({', '.join('?' * len(states))})"
        with self._database.writing() as connection:
            changed = bool(connection.execute(query, (*values.values(), job_id.bytes, *states)).rowcount)
            if changed and note is not None:
                connection.execute(_NOTE, _note_values(job_id, note))
        return changed


def _progress(progress: JobProgress) -> bytes:
    return orjson.dumps(progress_json(progress))


def _checkpoint(checkpoint: Checkpoint) -> bytes:
    return orjson.dumps(checkpoint_json(checkpoint))


def _note_values(job_id: UUID, note: Note) -> tuple[bytes, int, str, str]:
    return job_id.bytes, note.at_ms, note.kind.value, note.text


def _job_of(row: tuple[Any, ...], history: tuple[Note, ...] = ()) -> Job:
    return job_from_row(JobRow(UUID(bytes=row[0]), *row[1:]), history)
