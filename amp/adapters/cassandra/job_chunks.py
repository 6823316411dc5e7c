"""Chunks of jobs in Cassandra: one partition each, with a row for every asset that something became of."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from amp.adapters.cassandra.session import CassandraSession, Mode, Request
from amp.adapters.cassandra.settling import settled
from amp.domain.chunks import Chunk, Outcome, Result
from amp.domain.texts import storable_reason

# A condition takes its time from the servers, a plain write from this process, and the later time wins. The two never
# meet in one cell: the static columns are written on conditions only, the rows of assets never on any. What removes
# both comes long after either: only ended jobs are forgotten.
_BEGIN = "INSERT INTO {ks}.job_chunks (job_id, number, ids, passed, position) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS"
_GET = "SELECT job_id, number, ids, passed, position FROM {ks}.job_chunks WHERE job_id = ? AND number = ? LIMIT 1"
_RECORD = "INSERT INTO {ks}.job_chunks (job_id, number, asset_id, outcome, note) VALUES (?, ?, ?, ?, ?);"
_RESULTS = "SELECT asset_id, outcome, note FROM {ks}.job_chunks WHERE job_id = ? AND number = ?"
_FORGET = "DELETE FROM {ks}.job_chunks WHERE job_id = ? AND number = ?"

_ROWS_A_BATCH = 64


class CassandraJobChunks:
    """`JobChunks`."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def begin(self, chunk: Chunk) -> Chunk:
        values = (chunk.job_id, chunk.number, chunk.ids, chunk.passed, chunk.position)
        settled(
            lambda: bool(self._session.run(_BEGIN, values, Mode.CONDITIONAL)[0]["[applied]"]),
            # Whoever began it, it is there.
            lambda: True if self._read(chunk.job_id, chunk.number, Mode.SERIAL) else None,
        )
        return self._read(chunk.job_id, chunk.number, Mode.SERIAL) or chunk

    def get(self, job_id: UUID, number: int) -> Chunk | None:
        return self._read(job_id, number, Mode.PLAIN)

    def record(self, job_id: UUID, number: int, results: Mapping[UUID, Result]) -> None:
        rows = [
            (job_id, number, asset_id, result.outcome.value, storable_reason(result.note))
            for asset_id, result in results.items()
        ]
        requests: list[Request] = [
            (_record_cql(len(run)), tuple(value for row in run for value in row)) for run in _runs(rows)
        ]
        self._session.rows_of_many(requests)

    def results(self, job_id: UUID, number: int) -> dict[UUID, Result]:
        rows = self._session.run(_RESULTS, (job_id, number))
        # Before anything is recorded, the static part alone makes a row of nulls.
        return {asset_id: Result(Outcome(outcome), note) for asset_id, outcome, note in rows if asset_id is not None}

    def forget(self, job_id: UUID, number: int) -> None:
        self._session.run(_FORGET, (job_id, number))

    def _read(self, job_id: UUID, number: int, mode: Mode) -> Chunk | None:
        rows = self._session.run(_GET, (job_id, number), mode)
        # Results alone make a row with an empty static part.
        return _chunk_of(rows[0]) if rows and rows[0][3] is not None else None


@lru_cache
def _record_cql(rows: int) -> str:
    """One write for all rows, as they are in one partition."""
    return f"BEGIN UNLOGGED BATCH {_RECORD * rows} APPLY BATCH"


def _runs(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    """Parts of powers of two, so that few statements have to be prepared."""
    at = 0
    while left := len(rows) - at:
        size = min(_ROWS_A_BATCH, 1 << left.bit_length() - 1)
        yield rows[at : at + size]
        at += size


def _chunk_of(row: tuple[Any, ...]) -> Chunk:
    job_id, number, ids, passed, position = row
    return Chunk(job_id=job_id, number=number, ids=tuple(ids or ()), passed=passed, position=position)
