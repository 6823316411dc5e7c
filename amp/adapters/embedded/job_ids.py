"""The asset ids that were given to jobs, on SQLite."""

from collections.abc import Sequence
from uuid import UUID

from amp.adapters.embedded.database import Database

_KEEP = "INSERT OR REPLACE INTO job_ids (job_id, number, ids) VALUES (?, ?, ?)"
_GET = "SELECT ids FROM job_ids WHERE job_id = ? AND number = ?"


class SqliteJobIds:
    """The port `JobIds` in `store.db`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, job_id: UUID, blocks: Sequence[Sequence[UUID]]) -> None:
        rows = [
            (job_id.bytes, number, b"".join(asset_id.bytes for asset_id in ids)) for number, ids in enumerate(blocks)
        ]
        with self._database.writing() as connection:
            connection.executemany(_KEEP, rows)

    def get(self, job_id: UUID, number: int) -> tuple[UUID, ...] | None:
        with self._database.reading() as connection:
            row = connection.execute(_GET, (job_id.bytes, number)).fetchone()
        if row is None:
            return None
        return tuple(UUID(bytes=row[0][at : at + 16]) for at in range(0, len(row[0]), 16))

    def forget(self, job_id: UUID) -> None:
        with self._database.writing() as connection:
            connection.execute("DELETE FROM job_ids WHERE job_id = ?", (job_id.bytes,))
