"""Dead letters in Cassandra: one row each, and lists of their ids by time."""

import sys
import time
from collections.abc import Collection
from typing import Any
from uuid import UUID

import orjson

from amp.adapters.cassandra.errors import TooManyTombstones
from amp.adapters.cassandra.reads_in_parts import KeyRange, read_in_parts
from amp.adapters.cassandra.session import CassandraSession, Mode
from amp.domain.dead_letter_pages import place_in, position_after, storable_dead_letter
from amp.domain.dead_letters import DeadLetter
from amp.domain.messages import Message, message_from_json
from amp.errors import StoreUnavailable
from amp.ports.dead_letters import DeadLetterPage

_COLUMNS = "id, topic, payload, reason, detail, attempts, first_ms, last_ms"
_ADD = f"INSERT INTO {{ks}}.dead_letters ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS"
_RENEW = "UPDATE {ks}.dead_letters SET reason = ?, detail = ?, attempts = ?, last_ms = ? WHERE id = ? IF EXISTS"
_GET = f"SELECT {_COLUMNS} FROM {{ks}}.dead_letters WHERE id = ?"
_REMOVE_UNCHANGED = "DELETE FROM {ks}.dead_letters WHERE id = ? IF attempts = ?"
_REMOVE = "DELETE FROM {ks}.dead_letters WHERE id = ? IF EXISTS"

_LIST = "INSERT INTO {ks}.listed_dead_letters (list, first_ms, id) VALUES (?, ?, ?)"
_UNLIST = "DELETE FROM {ks}.listed_dead_letters WHERE list = ? AND first_ms = ? AND id = ?"
_LISTED = "SELECT first_ms, id FROM {ks}.listed_dead_letters WHERE list = ? LIMIT ?"
_LISTED_AFTER = "SELECT first_ms, id FROM {ks}.listed_dead_letters WHERE list = ? AND (first_ms, id) < (?, ?) LIMIT ?"
_WITHIN = "WHERE list = ? AND (first_ms, id) < (?, ?) AND (first_ms, id) >= (?, ?)"
_LISTED_WITHIN = f"SELECT first_ms, id FROM {{ks}}.listed_dead_letters {_WITHIN} LIMIT ?"
_COUNT = "SELECT count(*) FROM {ks}.listed_dead_letters WHERE list = ?"
_COUNT_WITHIN = f"SELECT count(*) FROM {{ks}}.listed_dead_letters {_WITHIN}"

#: Maximum number of times that a dead letter is written if it is removed each time before it can be renewed.
_ATTEMPTS = 3


#: The time and the id of a dead letter.
_ListPosition = tuple[int, UUID]
_FIRST_ID = UUID(int=0)
_PAST_ALL, _BEFORE_ALL = ((1 << 63) - 1, _FIRST_ID), (0, _FIRST_ID)
_DAY_MS = 86_400_000


class CassandraDeadLetters:
    """Implements `DeadLetters`. The row of a dead letter is written only conditionally. Otherwise, if a dead letter is
    put again right after its removal, a difference between clocks could make the removal the later write."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def put(self, dead_letter: DeadLetter) -> None:
        # Listed last: if listing fails, the dead letter is put again, and is then listed under the time it already has.
        first_ms = self._store(storable_dead_letter(dead_letter))
        self._session.rows_of_many([(_LIST, (name, first_ms, dead_letter.id)) for name in _lists_of(dead_letter)])

    def get(self, dead_letter_id: UUID) -> DeadLetter | None:
        rows = self._session.run(_GET, (dead_letter_id,))
        return _dead_letter_of(rows[0]) if rows else None

    def page(self, *, job_id: UUID | None, position: str | None, limit: int) -> DeadLetterPage:
        name = "all" if job_id is None else f"job:{job_id}"
        at = None if position is None else place_in(position)
        dead_letters: list[DeadLetter] = []
        # One more than the limit shows whether there are more. Repeated if listed dead letters do not exist any more.
        while len(dead_letters) <= limit:
            wanted = limit + 1 - len(dead_letters)
            listed = self._listed(name, at, wanted)
            dead_letters += self._read(listed)
            if len(listed) < wanted:
                return DeadLetterPage(tuple(dead_letters), None)
            at = listed[-1]
        return DeadLetterPage(tuple(dead_letters[:limit]), position_after(dead_letters[limit - 1]))

    def count(self, job_id: UUID) -> int:
        name = f"job:{job_id}"
        try:
            return int(self._session.run(_COUNT, (name,))[0][0])
        except TooManyTombstones:
            return sum(
                read_in_parts(
                    lambda part, _: [int(self._session.run(_COUNT_WITHIN, (name, *part.begin, *part.end))[0][0])],
                    _parts_from(None),
                    _cut,
                    sys.maxsize,
                ).rows
            )

    def remove(self, dead_letter_ids: Collection[UUID]) -> None:
        answers = self._session.rows_of_many([(_GET, (dead_letter_id,)) for dead_letter_id in dead_letter_ids])
        dead_letters = [_dead_letter_of(rows[0]) for rows in answers if rows]
        self._unlist(dead_letters)
        self._session.rows_of_many([(_REMOVE, (dead_letter.id,)) for dead_letter in dead_letters], Mode.CONDITIONAL)

    def remove_unchanged(self, dead_letters: Collection[DeadLetter]) -> None:
        self._unlist(dead_letters)
        answers = self._session.rows_of_many(
            [(_REMOVE_UNCHANGED, (dead_letter.id, dead_letter.attempts)) for dead_letter in dead_letters],
            Mode.CONDITIONAL,
        )
        # The answer for a dead letter that was removed has no number of attempts.
        remaining = [
            dead_letter
            for dead_letter, rows in zip(dead_letters, answers, strict=True)
            if rows[0].get("attempts") is not None
        ]
        self._session.rows_of_many([(_LIST, key) for dead_letter in remaining for key in _list_keys_of(dead_letter)])

    def _unlist(self, dead_letters: Collection[DeadLetter]) -> None:
        """Remove dead letters from their lists. This comes before the removal of their rows, which show where they are
        listed, so that the removal can be repeated.
        """
        self._session.rows_of_many(
            [(_UNLIST, key) for dead_letter in dead_letters for key in _list_keys_of(dead_letter)]
        )

    def _store(self, dead_letter: DeadLetter) -> int:
        """Write the row of the dead letter and return its `first_ms`, which an existing row keeps."""
        values = (
            dead_letter.id,
            dead_letter.topic,
            dead_letter.payload,
            dead_letter.reason,
            dead_letter.detail,
            dead_letter.attempts,
            dead_letter.first_ms,
            dead_letter.last_ms,
        )
        for _ in range(_ATTEMPTS):
            existing = self._session.run(_ADD, values, Mode.CONDITIONAL)[0]
            if existing["[applied]"]:
                return dead_letter.first_ms
            renewal = (
                dead_letter.reason,
                dead_letter.detail,
                existing["attempts"] + 1,
                dead_letter.last_ms,
                dead_letter.id,
            )
            if self._session.run(_RENEW, renewal, Mode.CONDITIONAL)[0]["[applied]"]:
                return int(existing["first_ms"])
        raise StoreUnavailable("too many concurrent writes of the same dead letter; try again")

    def _listed(self, name: str, at: _ListPosition | None, limit: int) -> list[Any]:
        try:
            if at is None:
                return self._session.run(_LISTED, (name, limit))
            return self._session.run(_LISTED_AFTER, (name, *at, limit))
        except TooManyTombstones:
            # Many were removed recently.
            return read_in_parts(
                lambda part, wanted: self._session.run(_LISTED_WITHIN, (name, *part.begin, *part.end, wanted)),
                _parts_from(at),
                _cut,
                limit,
            ).rows

    def _read(self, listed: list[Any]) -> list[DeadLetter]:
        answers = self._session.rows_of_many([(_GET, (dead_letter_id,)) for _, dead_letter_id in listed])
        dead_letters = [
            (first_ms, _dead_letter_of(rows[0])) for (first_ms, _), rows in zip(listed, answers, strict=True) if rows
        ]
        # A dead letter that was removed while it was put, and put again, may still be listed under its former time.
        return [dead_letter for first_ms, dead_letter in dead_letters if dead_letter.first_ms == first_ms]


def _lists_of(dead_letter: DeadLetter) -> tuple[str, str]:
    return "all", "live" if dead_letter.job_id is None else f"job:{dead_letter.job_id}"


def _list_keys_of(dead_letter: DeadLetter) -> list[tuple[str, int, UUID]]:
    return [(name, dead_letter.first_ms, dead_letter.id) for name in _lists_of(dead_letter)]


def _parts_from(at: _ListPosition | None) -> list[KeyRange[_ListPosition]]:
    """Return the parts from `at` down to the oldest. The beginning of a part is excluded, its end included."""
    if at is not None:
        return [KeyRange(at, _BEFORE_ALL)]
    tomorrow = (time.time_ns() // 1_000_000 + _DAY_MS, _FIRST_ID)
    return [KeyRange(_PAST_ALL, tomorrow), KeyRange(tomorrow, _BEFORE_ALL)]


def _cut(part: KeyRange[_ListPosition]) -> _ListPosition | None:
    """Cut a part near its beginning: most dead letters are a few days old, while a part may go back to 1970."""
    (newest_ms, newest_id), (oldest_ms, _) = part.begin, part.end
    at_ms = newest_ms - (newest_ms - oldest_ms) // 64
    if (at_ms, _FIRST_ID) == (newest_ms, newest_id):
        at_ms -= 1
    return (at_ms, _FIRST_ID) if at_ms > oldest_ms else None


def _dead_letter_of(row: tuple[Any, ...]) -> DeadLetter:
    dead_letter_id, topic, payload, reason, detail, attempts, first_ms, last_ms = row
    return DeadLetter(
        id=dead_letter_id,
        topic=topic,
        message=_message_in(payload),
        payload=payload,
        reason=reason,
        detail=detail,
        attempts=attempts,
        first_ms=first_ms,
        last_ms=last_ms,
    )


def _message_in(payload: bytes) -> Message | None:
    try:
        return message_from_json(orjson.loads(payload))
    except (ValueError, KeyError, TypeError):
        return None
