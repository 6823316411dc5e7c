"""The asset ids that the selections of jobs find, on SQLite."""

from collections.abc import Collection
from uuid import UUID

from amp.adapters.embedded.database import Database

_ADD = "INSERT OR IGNORE INTO found_ids (job_id, day, asset_id) VALUES (?, ?, ?)"
_PAGE = "SELECT asset_id FROM found_ids WHERE job_id = ? AND day = ? AND asset_id > ? ORDER BY asset_id LIMIT ?"
_IS_FOUND = "SELECT 1 FROM found_ids WHERE job_id = ? AND day = ? AND asset_id = ?"
_FIRST_DAY = "SELECT day FROM found_ids WHERE job_id = ? AND day >= ? ORDER BY day LIMIT 1"


class SqliteFoundIds:
    """The port `FoundIds` in `store.db`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job_id: UUID, day: int, ids: Collection[UUID]) -> None:
        with self._database.writing() as connection:
            connection.executemany(_ADD, [(job_id.bytes, day, asset_id.bytes) for asset_id in ids])

    def page(self, job_id: UUID, day: int, after: UUID | None, limit: int) -> tuple[UUID, ...]:
        begin = b"" if after is None else after.bytes
        with self._database.reading() as connection:
            rows = connection.execute(_PAGE, (job_id.bytes, day, begin, limit)).fetchall()
        return tuple(UUID(bytes=row[0]) for row in rows)

    def among(self, job_id: UUID, day: int, ids: Collection[UUID]) -> frozenset[UUID]:
        with self._database.reading() as connection:
            return frozenset(
                asset_id
                for asset_id in ids
                if connection.execute(_IS_FOUND, (job_id.bytes, day, asset_id.bytes)).fetchone()
            )

    def first_day(self, job_id: UUID, day: int) -> int | None:
        with self._database.reading() as connection:
            row = connection.execute(_FIRST_DAY, (job_id.bytes, day)).fetchone()
        return None if row is None else int(row[0])

    def forget(self, job_id: UUID) -> None:
        with self._database.writing() as connection:
            connection.execute("DELETE FROM found_ids WHERE job_id = ?", (job_id.bytes,))
