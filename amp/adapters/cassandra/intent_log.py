"""The intent log in Cassandra, by shard and by the minute an intent is due."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any
from uuid import UUID
from zlib import crc32

from amp.adapters.cassandra.errors import TooManyTombstones
from amp.adapters.cassandra.id_order import between_any
from amp.adapters.cassandra.reads_in_parts import KeyRange, read_in_parts
from amp.adapters.cassandra.session import CassandraSession, Request, RowsOrError, rows_of
from amp.domain.assets import Scope
from amp.domain.messages import MAX_DEFERRAL_MS, AssetChanged, Intent

#: At 10,000 changes a second each partition takes 75,000 rows, under the tombstones a read may pass (100,000).
_SHARDS = 8
_MINUTE_MS = 60_000
#: Minutes read at once, at most, on the way from the mark to now.
_MINUTES_AT_ONCE = 16
#: A writer's row is in the log this long after it was due, or it is found by the next look from the mark.
_SETTLED_MS = 30_000
#: Their partitions stay few enough for a batch that Cassandra does not warn of.
_DELETED_AT_ONCE = 10
#: A mark stays this far behind, for writers that are slower than anybody should be.
_MARK_LAG_MS = 600_000
_FROM_MARK_EVERY_S = 60.0
#: Clocks of writers and relays may have been wrong by up to this: now and then the log is read from so long ago to so
#: far ahead, whatever the marks say.
_CLOCK_ERROR_MS = 25 * 3_600_000
_WIDE_EVERY_S = 3_600.0
#: A clock that goes back by more was set.
_SET_BACK_MS = 1_000

#: Before all ids.
_FIRST_ID = UUID(int=0)
#: When an intent is due, and of which asset it is.
_Place = tuple[int, UUID]

INSERT_INTENT = (
    "INSERT INTO {ks}.intents (shard, minute, due_ms, asset_id, change_id, version, revision, scope, recorded_ms) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_DELETE = "DELETE FROM {ks}.intents WHERE shard = ? AND minute = ? AND due_ms = ? AND asset_id = ? AND change_id = ?"
_DUE = (
    "SELECT asset_id, version, revision, scope, change_id, recorded_ms, due_ms FROM {ks}.intents "
    "WHERE shard = ? AND minute = ? AND due_ms >= ? AND due_ms <= ? LIMIT ?"
)
_DUE_WITHIN = (
    "SELECT asset_id, version, revision, scope, change_id, recorded_ms, due_ms FROM {ks}.intents "
    "WHERE shard = ? AND minute = ? AND (due_ms, asset_id) > (?, ?) AND (due_ms, asset_id) <= (?, ?) LIMIT ?"
)
_MARKS = "SELECT shard, minute FROM {ks}.intent_marks WHERE shard IN ?"
_SET_MARK = "INSERT INTO {ks}.intent_marks (shard, minute) VALUES (?, ?)"
#: No intent is older than the table.
_BEGINNING = "SELECT min(applied_ms) FROM {ks}.schema_migrations WHERE part = 'store'"


def intent_values(intent: Intent) -> tuple[Any, ...]:
    """The values of `INSERT_INTENT`."""
    event = intent.message
    key = _key(intent)
    return (*key, event.version, event.revision, event.scope.value, intent.recorded_ms)


def _key(intent: Intent) -> tuple[int, int, int, UUID, UUID]:
    event = intent.message
    shard = crc32(event.asset_id.bytes) % _SHARDS
    return shard, intent.due_ms // _MINUTE_MS, intent.due_ms, event.asset_id, event.change_id


class CassandraIntentLog:
    """An `IntentLog`. Looks from where it left off, and once a minute from the low-water mark of each shard."""

    def __init__(
        self,
        session: CassandraSession,
        *,
        first_wide_s: float = _FROM_MARK_EVERY_S,
        clock_error_ms: int = _CLOCK_ERROR_MS,
    ) -> None:
        """:param first_wide_s: how long after the start the log is first read widely; the marks come first.
        :param clock_error_ms: by how much clocks may have been wrong.
        """
        self._session = session
        self._clock_error_ms = clock_error_ms
        self._lock = threading.Lock()
        #: By shard, where the next look starts; empty: at the marks.
        self._floors_ms: dict[int, int] = {}
        self._from_mark_s = float("-inf")
        self._wide_s = time.monotonic() + first_wide_s - _WIDE_EVERY_S
        self._from_mark_ms = self._looked_ms = 0
        #: The latest that clocks were while what they dated was not looked for yet; 0: there is no such time.
        self._ahead_to_ms = 0
        #: What was found of that; due until it is cleared or deferred, as the rest is.
        self._ahead_of_time: dict[Intent, None] = {}

    def due(self, now_ms: int, limit: int) -> list[Intent]:
        with self._lock:
            now_s = time.monotonic()
            is_wide = now_s - self._wide_s >= _WIDE_EVERY_S
            if now_ms < self._looked_ms - _SET_BACK_MS:
                self._ahead_to_ms = max(self._ahead_to_ms, self._looked_ms)
            if is_wide:
                self._ahead_to_ms = max(self._ahead_to_ms, now_ms + self._clock_error_ms)
            from_mark = is_wide or self._is_from_mark(now_ms, now_s)
            ahead = self._ahead(now_ms, limit) if self._ahead_to_ms else []
            self._ahead_of_time |= dict.fromkeys(ahead)
            starts = self._starts(now_ms, is_wide) if from_mark else self._floors_ms
            found, seen_to_ms = self._scan(starts, now_ms, limit)
            floors = {shard: min(seen_to_ms, now_ms - _SETTLED_MS) for shard in starts}
            for shard, intent in found:
                floors[shard] = min(floors[shard], intent.due_ms)
            if from_mark:
                self._raise_marks(floors, now_ms)
                self._from_mark_s, self._from_mark_ms = now_s, now_ms
            # Not before the read has succeeded: the widest is the likeliest to fail.
            self._wide_s = now_s if is_wide else self._wide_s
            self._ahead_to_ms = self._ahead_to_ms if len(ahead) >= limit else 0
            self._floors_ms, self._looked_ms = floors, now_ms
        due = sorted((intent for _, intent in found), key=lambda intent: intent.due_ms)
        return list(dict.fromkeys([*self._ahead_of_time, *due]))[:limit]

    def clear(self, intents: Sequence[Intent]) -> None:
        # Several in a request: they need not happen together, but requests are most of what a delete costs.
        requests: list[Request] = []
        for i in range(0, len(intents), _DELETED_AT_ONCE):
            keys = [_key(intent) for intent in intents[i : i + _DELETED_AT_ONCE]]
            requests.append((_delete_cql(len(keys)), tuple(chain.from_iterable(keys))))
        self._session.rows_of_many(requests)
        for intent in intents:
            self._ahead_of_time.pop(intent, None)

    def defer(self, intent: Intent, due_ms: int) -> None:
        self._session.run(INSERT_INTENT, intent_values(replace(intent, due_ms=due_ms)))
        if due_ms != intent.due_ms:
            self._session.run(_DELETE, _key(intent))
        self._ahead_of_time.pop(intent, None)

    def _is_from_mark(self, now_ms: int, now_s: float) -> bool:
        """Now and then, and when the clock was set, more is read than what has become due since the last call."""
        passed_s = max(now_s - self._from_mark_s, (now_ms - self._from_mark_ms) / 1000)
        return not self._floors_ms or now_ms < self._looked_ms or passed_s >= _FROM_MARK_EVERY_S

    def _starts(self, now_ms: int, is_wide: bool) -> dict[int, int]:
        """By shard, where to read from."""
        # A mark ahead of the clock was left by one that was ahead itself.
        latest_ms = now_ms - (self._clock_error_ms if is_wide else _MARK_LAG_MS)
        return {shard: min(minute * _MINUTE_MS, latest_ms) for shard, minute in self._marks().items()}

    def _ahead(self, now_ms: int, limit: int) -> list[Intent]:
        """Intents that a clock which was ahead has dated; all others of the future are left out."""
        starts = dict.fromkeys(range(_SHARDS), now_ms + _MINUTE_MS)
        found, _ = self._scan(starts, self._ahead_to_ms + MAX_DEFERRAL_MS, limit, lambda intent: intent.is_due(now_ms))
        return [intent for _, intent in found]

    def _scan(
        self, starts: dict[int, int], now_ms: int, limit: int, wanted: Callable[[Intent], bool] | None = None
    ) -> tuple[list[tuple[int, Intent]], int]:
        """What is due by shard, oldest minutes first, or what is wanted of it; and the time up to which all shards were
        read. If fewer than `limit` wanted intents are returned, there are no more of them.

        More minutes at once the emptier they are: a backlog is not read time and again only to be cut off.
        """
        found: list[tuple[int, Intent]] = []
        limit_a_shard = 1 + 2 * limit // _SHARDS
        first, last, at_once = min(starts.values()) // _MINUTE_MS, now_ms // _MINUTE_MS, 1
        while first <= last:
            after = min(first + at_once, last + 1)
            requests: list[Request] = [
                (_DUE, (shard, minute, start_ms, now_ms, limit_a_shard))
                for shard, start_ms in starts.items()
                for minute in range(max(first, start_ms // _MINUTE_MS), after)
            ]
            is_cut = False
            for (_, values), answer in zip(requests, self._session.run_many(requests), strict=True):
                intents = [_intent_of(row) for row in self._rows(values, answer)]
                if wanted is None:
                    found += [(values[0], intent) for intent in intents]
                    is_cut |= len(intents) == limit_a_shard
                else:
                    found += [(values[0], intent) for intent in self._wanted(intents, values, wanted, limit)]
            if is_cut or len(found) >= limit:
                return found, after * _MINUTE_MS
            first, at_once = after, min(2 * at_once, _MINUTES_AT_ONCE)
        return found, now_ms

    def _wanted(
        self, intents: list[Intent], values: tuple[int, ...], wanted: Callable[[Intent], bool], limit: int
    ) -> list[Intent]:
        """What is wanted of all that `_DUE` with these values and any limit answers, of which `intents` come first; no
        more of it is read once there are `limit`."""
        shard, minute, start_ms, end_ms, at_once = values
        found = dict.fromkeys(filter(wanted, intents))
        while len(intents) == at_once and len(found) < limit:
            last_ms = intents[-1].due_ms
            # Those of the last millisecond are read again, as some may be missing; if there is no other, more at once.
            at_once = 2 * at_once if last_ms == intents[0].due_ms else at_once
            values = (shard, minute, max(start_ms, last_ms), end_ms, at_once)
            (answer,) = self._session.run_many([(_DUE, values)])
            intents = [_intent_of(row) for row in self._rows(values, answer)]
            found |= dict.fromkeys(filter(wanted, intents))
        return list(found)

    def _rows(self, values: tuple[int, ...], answer: RowsOrError) -> list[Any]:
        """What `_DUE` with these values answers, in parts if it would pass too many intents that were cleared."""
        try:
            return rows_of(answer)
        except TooManyTombstones:
            shard, minute, start_ms, end_ms, limit = values
            begin = (max(start_ms, minute * _MINUTE_MS), _FIRST_ID)
            end = (min(end_ms + 1, (minute + 1) * _MINUTE_MS), _FIRST_ID)
            return read_in_parts(
                lambda part, wanted: self._session.run(_DUE_WITHIN, (shard, minute, *part.begin, *part.end, wanted)),
                [KeyRange(begin, end)],
                _cut,
                limit,
            ).rows

    def _marks(self) -> dict[int, int]:
        shards = list(range(_SHARDS))
        marks = dict(self._session.run(_MARKS, (shards,)))
        if len(marks) < _SHARDS:
            ((made_ms,),) = self._session.run(_BEGINNING)
            first = ((made_ms or 0) - _MARK_LAG_MS) // _MINUTE_MS
            marks = {shard: marks.get(shard, first) for shard in shards}
        return marks

    def _raise_marks(self, floors: dict[int, int], now_ms: int) -> None:
        """A mark passes minutes that hold nothing and are long over. Two relays may do so at once: a mark that goes
        back for it only costs reading."""
        reached = {shard: min(floor, now_ms - _MARK_LAG_MS) // _MINUTE_MS for shard, floor in floors.items()}
        self._session.rows_of_many([(_SET_MARK, (shard, minute)) for shard, minute in reached.items()])


def _cut(part: KeyRange[_Place]) -> _Place | None:
    """By time, and within a millisecond by id."""
    (begin_ms, begin_id), (end_ms, end_id) = part.begin, part.end
    if end_ms - begin_ms > 1:
        return (begin_ms + end_ms) // 2, _FIRST_ID
    middle = between_any(begin_id, end_id if end_ms == begin_ms else None)
    return None if middle is None else (begin_ms, middle)


def _delete_cql(count: int) -> str:
    return _DELETE if count == 1 else f"BEGIN UNLOGGED BATCH {'; '.join([_DELETE] * count)}; APPLY BATCH"


def _intent_of(row: Any) -> Intent:
    asset_id, version, revision, scope, change_id, recorded_ms, due_ms = row
    event = AssetChanged(asset_id=asset_id, version=version, revision=revision, scope=Scope(scope), change_id=change_id)
    return Intent(message=event, recorded_ms=recorded_ms, due_ms=due_ms)
