"""Dead letters on SQLite."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from amp.adapters.embedded.database import Database
from amp.adapters.embedded.payloads import message_in
from amp.domain.dead_letter_pages import place_in, position_after, storable_dead_letter
from amp.domain.dead_letters import DeadLetter
from amp.ports.dead_letters import DeadLetterPage

_COLUMNS = "id, topic, payload, reason, detail, attempts, first_ms, last_ms"
_PUT = (
    f"INSERT INTO dead_letters ({_COLUMNS}, job_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
    "reason = excluded.reason, detail = excluded.detail, last_ms = excluded.last_ms, attempts = attempts + 1"
)


class SqliteDeadLetters:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, dead_letter: DeadLetter) -> None:
        storable = storable_dead_letter(dead_letter)
        values = (
            storable.id.bytes,
            storable.topic,
            storable.payload,
            storable.reason,
            storable.detail,
            storable.attempts,
            storable.first_ms,
            storable.last_ms,
            None if storable.job_id is None else storable.job_id.bytes,
        )
        with self._database.writing() as connection:
            connection.execute(_PUT, values)

    def get(self, dead_letter_id: UUID) -> DeadLetter | None:
        query = f"SELECT {_COLUMNS} FROM dead_letters WHERE id = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, (dead_letter_id.bytes,)).fetchone()
        return None if row is None else _dead_letter(row)

    def page(self, *, job_id: UUID | None, position: str | None, limit: int) -> DeadLetterPage:
        conditions: list[str] = []
        values: list[bytes | int] = []
        if job_id is not None:
            conditions.append("job_id = ?")
            values.append(job_id.bytes)
        if position is not None:
            first_ms, last = place_in(position)
            conditions.append("(first_ms, id) < (?, ?)")
            values += (first_ms, last.bytes)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        query = f"SELECT {_COLUMNS} FROM dead_letters {where} ORDER BY first_ms DESC, id DESC LIMIT ?"
        with self._database.reading() as connection:
            rows = connection.execute(query, (*values, limit + 1)).fetchall()
        dead_letters = tuple(_dead_letter(row) for row in rows[:limit])
        return DeadLetterPage(dead_letters, position_after(dead_letters[-1]) if len(rows) > limit else None)

    def count(self, job_id: UUID) -> int:
        query = "SELECT count(*) FROM dead_letters WHERE job_id = ?"
        with self._database.reading() as connection:
            [count] = connection.execute(query, (job_id.bytes,)).fetchone()
        return int(count)

    def remove(self, dead_letter_ids: Collection[UUID]) -> None:
        with self._database.writing() as connection:
            connection.executemany(
                "DELETE FROM dead_letters WHERE id = ?", [(dead_letter_id.bytes,) for dead_letter_id in dead_letter_ids]
            )

    def remove_unchanged(self, dead_letters: Collection[DeadLetter]) -> None:
        with self._database.writing() as connection:
            connection.executemany(
                "DELETE FROM dead_letters WHERE id = ? AND attempts = ?",
                [(dead_letter.id.bytes, dead_letter.attempts) for dead_letter in dead_letters],
            )


def _dead_letter(row: tuple[Any, ...]) -> DeadLetter:
    dead_letter_id, topic, payload, reason, detail, attempts, first_ms, last_ms = row
    return DeadLetter(
        id=UUID(bytes=dead_letter_id),
        topic=topic,
        message=message_in(payload),
        payload=payload,
        reason=reason,
        detail=detail,
        attempts=attempts,
        first_ms=first_ms,
        last_ms=last_ms,
    )
