"""Chunks of jobs on SQLite, and the outcomes of their items."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from amp.adapters.embedded.database import Database
from amp.domain.chunks import Chunk, ItemOutcome, ItemResult
from amp.domain.storable_text import storable_reason

_BEGIN = "INSERT OR IGNORE INTO job_chunks (job_id, number, ids, passed, position) VALUES (?, ?, ?, ?, ?)"
_GET = "SELECT job_id, number, ids, passed, position FROM job_chunks WHERE job_id = ? AND number = ?"
_RECORD = "INSERT OR REPLACE INTO job_results (job_id, number, asset_id, outcome, note) VALUES (?, ?, ?, ?, ?)"
_RESULTS = "SELECT asset_id, outcome, note FROM job_results WHERE job_id = ? AND number = ?"


class SqliteJobChunks:
    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, chunk: Chunk) -> Chunk:
        key = (chunk.job_id.bytes, chunk.number)
        ids = b"".join(asset_id.bytes for asset_id in chunk.ids)
        with self._database.writing() as connection:
            connection.execute(_BEGIN, (*key, ids, chunk.passed, chunk.position))
            return _chunk_of(connection.execute(_GET, key).fetchone())

    def get(self, job_id: UUID, number: int) -> Chunk | None:
        with self._database.reading() as connection:
            row = connection.execute(_GET, (job_id.bytes, number)).fetchone()
        return None if row is None else _chunk_of(row)

    def record(self, job_id: UUID, results: Mapping[int, Mapping[UUID, ItemResult]]) -> None:
        rows = [
            (job_id.bytes, number, asset_id.bytes, result.outcome, storable_reason(result.note))
            for number, chunk_results in results.items()
            for asset_id, result in chunk_results.items()
        ]
        with self._database.writing() as connection:
            connection.executemany(_RECORD, rows)

    def results(self, job_id: UUID, number: int) -> dict[UUID, ItemResult]:
        with self._database.reading() as connection:
            rows = connection.execute(_RESULTS, (job_id.bytes, number)).fetchall()
        return {UUID(bytes=asset_id): ItemResult(ItemOutcome(outcome), note) for asset_id, outcome, note in rows}

    def forget(self, job_id: UUID, numbers: Sequence[int]) -> None:
        keys = [(job_id.bytes, number) for number in numbers]
        with self._database.writing() as connection:
            for table in ("job_results", "job_chunks"):
                connection.executemany(f"DELETE FROM {table} WHERE job_id = ? AND number = ?", keys)


def _chunk_of(row: tuple[Any, ...]) -> Chunk:
    job_id, number, ids, passed, position = row
    return Chunk(
        job_id=UUID(bytes=job_id),
        number=number,
        ids=tuple(UUID(bytes=ids[at : at + 16]) for at in range(0, len(ids), 16)),
        passed=passed,
        position=position,
    )
