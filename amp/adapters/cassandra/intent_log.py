"""The intent log in Cassandra, partitioned by shard and by the minute in which an intent is due."""

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

#: With 10,000 changes per second, a partition gets 75,000 rows: fewer than the tombstones that a read may scan
#: (100,000).
_SHARDS = 8
_MINUTE_MS = 60_000
#: Maximum number of minutes that are read at once between a mark and now.
_MINUTES_AT_ONCE = 16
#: How long after an intent is due its row counts as written, in milliseconds. A row that is written later is found by
#: the next read from the mark.
_SETTLED_MS = 30_000
#: Maximum number of deletions in one batch. Cassandra logs a warning if a batch has too many partitions.
_DELETED_AT_ONCE = 10
#: How far marks stay behind the clock, in milliseconds, so that the intents of very slow writers are found.
_MARK_LAG_MS = 600_000
#: Interval of reads from the marks, in seconds.
_FROM_MARK_EVERY_S = 60.0
#: Maximum error of the clocks of writers and relays, in milliseconds. Wide reads cover the log from this long ago to
#: this far ahead, whatever the marks say.
_CLOCK_ERROR_MS = 25 * 3_600_000
#: Interval of wide reads, in seconds.
_WIDE_EVERY_S = 3_600.0
#: A clock that goes back by more than this, in milliseconds, was set.
_SET_BACK_MS = 1_000

#: Sorts before all ids.
_FIRST_ID = UUID(int=0)
#: The time at which an intent is due, and the id of its asset.
_DuePosition = tuple[int, UUID]

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
#: The time of the first migration. No intent is older.
_BEGINNING = "SELECT min(applied_ms) FROM {ks}.schema_migrations WHERE part = 'store'"


def intent_values(intent: Intent) -> tuple[Any, ...]:
    """Return the values of `INSERT_INTENT`."""
    change = intent.message
    key = _key(intent)
    return (*key, change.version, change.revision, change.scope.value, intent.recorded_ms)


def _key(intent: Intent) -> tuple[int, int, int, UUID, UUID]:
    change = intent.message
    shard = crc32(change.asset_id.bytes) % _SHARDS
    return shard, intent.due_ms // _MINUTE_MS, intent.due_ms, change.asset_id, change.change_id


class CassandraIntentLog:
    """Implements `IntentLog`. Reads continue where the last read ended. Once a minute, a read starts at the low-water
    mark of each shard. Once an hour, a read is wide, in case clocks were wrong.
    """

    def __init__(
        self,
        session: CassandraSession,
        *,
        first_wide_s: float = _FROM_MARK_EVERY_S,
        clock_error_ms: int = _CLOCK_ERROR_MS,
    ) -> None:
        """:param first_wide_s: time from the start to the first wide read, in seconds; reads from the marks come first.
        :param clock_error_ms: maximum error of clocks, in milliseconds.
        """
        self._session = session
        self._clock_error_ms = clock_error_ms
        self._lock = threading.Lock()
        #: The time from which the next read starts, by shard; empty: it starts at the marks.
        self._floors_ms: dict[int, int] = {}
        self._from_mark_s = float("-inf")
        self._wide_s = time.monotonic() + first_wide_s - _WIDE_EVERY_S
        self._from_mark_ms = self._last_read_ms = 0
        #: The latest time that clocks may have shown, if the intents they dated were not searched yet; 0: none is left.
        self._ahead_to_ms = 0
        #: Intents found by that search. They stay due until they are cleared or deferred, like all others.
        self._found_ahead: dict[Intent, None] = {}

    def due(self, now_ms: int, limit: int) -> list[Intent]:
        with self._lock:
            now_s = time.monotonic()
            is_wide = now_s - self._wide_s >= _WIDE_EVERY_S
            if now_ms < self._last_read_ms - _SET_BACK_MS:
                self._ahead_to_ms = max(self._ahead_to_ms, self._last_read_ms)
            if is_wide:
                self._ahead_to_ms = max(self._ahead_to_ms, now_ms + self._clock_error_ms)
            from_mark = is_wide or self._is_from_mark(now_ms, now_s)
            ahead = self._read_ahead(now_ms, limit) if self._ahead_to_ms else []
            self._found_ahead |= dict.fromkeys(ahead)
            starts = self._starts(now_ms, is_wide) if from_mark else self._floors_ms
            rows, read_to_ms = self._scan(starts, now_ms, limit)
            floors = {shard: min(read_to_ms, now_ms - _SETTLED_MS) for shard in starts}
            for shard, intent in rows:
                floors[shard] = min(floors[shard], intent.due_ms)
            if from_mark:
                self._raise_marks(floors, now_ms)
                self._from_mark_s, self._from_mark_ms = now_s, now_ms
            # Only now that the read has succeeded: wide reads are the most likely to fail.
            self._wide_s = now_s if is_wide else self._wide_s
            self._ahead_to_ms = self._ahead_to_ms if len(ahead) >= limit else 0
            self._floors_ms, self._last_read_ms = floors, now_ms
        due = sorted((intent for _, intent in rows), key=lambda intent: intent.due_ms)
        return list(dict.fromkeys([*self._found_ahead, *due]))[:limit]

    def clear(self, intents: Sequence[Intent]) -> None:
        # Several deletions per request. They need not be atomic, but the requests are most of the cost of a deletion.
        requests: list[Request] = []
        for i in range(0, len(intents), _DELETED_AT_ONCE):
            keys = [_key(intent) for intent in intents[i : i + _DELETED_AT_ONCE]]
            requests.append((_delete_cql(len(keys)), tuple(chain.from_iterable(keys))))
        self._session.rows_of_many(requests)
        for intent in intents:
            self._found_ahead.pop(intent, None)

    def defer(self, intent: Intent, due_ms: int) -> None:
        self._session.run(INSERT_INTENT, intent_values(replace(intent, due_ms=due_ms)))
        if due_ms != intent.due_ms:
            self._session.run(_DELETE, _key(intent))
        self._found_ahead.pop(intent, None)

    def _is_from_mark(self, now_ms: int, now_s: float) -> bool:
        """Return whether to read from the marks: at the interval for it, and when the clock was set."""
        passed_s = max(now_s - self._from_mark_s, (now_ms - self._from_mark_ms) / 1000)
        return not self._floors_ms or now_ms < self._last_read_ms or passed_s >= _FROM_MARK_EVERY_S

    def _starts(self, now_ms: int, is_wide: bool) -> dict[int, int]:
        """Return the time from which to read, by shard."""
        # A mark that is ahead of the clock was stored by a process whose clock was ahead.
        latest_ms = now_ms - (self._clock_error_ms if is_wide else _MARK_LAG_MS)
        return {shard: min(minute * _MINUTE_MS, latest_ms) for shard, minute in self._marks().items()}

    def _read_ahead(self, now_ms: int, limit: int) -> list[Intent]:
        """Return intents that were dated by a clock which was ahead. Other intents that are due in the future are left
        out.
        """
        starts = dict.fromkeys(range(_SHARDS), now_ms + _MINUTE_MS)
        rows, _ = self._scan(starts, self._ahead_to_ms + MAX_DEFERRAL_MS, limit, lambda intent: intent.is_due(now_ms))
        return [intent for _, intent in rows]

    def _scan(
        self, starts: dict[int, int], now_ms: int, limit: int, wanted: Callable[[Intent], bool] | None = None
    ) -> tuple[list[tuple[int, Intent]], int]:
        """Return the intents that are due (with `wanted`, only those that it accepts) with their shards, oldest minutes
        first, and the time up to which all shards were read. If fewer than `limit` wanted intents are returned, there
        are no more of them.

        The emptier the minutes, the more of them are read at once, so that a backlog is not read repeatedly only to be
        cut off.
        """
        result: list[tuple[int, Intent]] = []
        shard_limit = 1 + 2 * limit // _SHARDS
        first, last, at_once = min(starts.values()) // _MINUTE_MS, now_ms // _MINUTE_MS, 1
        while first <= last:
            after = min(first + at_once, last + 1)
            requests: list[Request] = [
                (_DUE, (shard, minute, start_ms, now_ms, shard_limit))
                for shard, start_ms in starts.items()
                for minute in range(max(first, start_ms // _MINUTE_MS), after)
            ]
            is_cut = False
            for (_, values), answer in zip(requests, self._session.run_many(requests), strict=True):
                intents = [_intent_of(row) for row in self._rows(values, answer)]
                if wanted is None:
                    result += [(values[0], intent) for intent in intents]
                    is_cut |= len(intents) == shard_limit
                else:
                    result += [(values[0], intent) for intent in self._wanted(intents, values, wanted, limit)]
            if is_cut or len(result) >= limit:
                return result, after * _MINUTE_MS
            first, at_once = after, min(2 * at_once, _MINUTES_AT_ONCE)
        return result, now_ms

    def _wanted(
        self, intents: list[Intent], values: tuple[int, ...], wanted: Callable[[Intent], bool], limit: int
    ) -> list[Intent]:
        """Return the wanted intents among all rows of `_DUE` with these values, whatever their limit. `intents` are the
        first of these rows. Reading stops once there are `limit` wanted ones.
        """
        shard, minute, start_ms, end_ms, at_once = values
        result = dict.fromkeys(filter(wanted, intents))
        while len(intents) == at_once and len(result) < limit:
            last_ms = intents[-1].due_ms
            # The last millisecond is read again, since some of its rows may be missing. If there is no other, more rows
            # are read at once.
            at_once = 2 * at_once if last_ms == intents[0].due_ms else at_once
            values = (shard, minute, max(start_ms, last_ms), end_ms, at_once)
            (answer,) = self._session.run_many([(_DUE, values)])
            intents = [_intent_of(row) for row in self._rows(values, answer)]
            result |= dict.fromkeys(filter(wanted, intents))
        return list(result)

    def _rows(self, values: tuple[int, ...], answer: RowsOrError) -> list[Any]:
        """Return the rows of `_DUE` with these values. They are read in parts if there are too many cleared intents."""
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
            ((migrated_ms,),) = self._session.run(_BEGINNING)
            first = ((migrated_ms or 0) - _MARK_LAG_MS) // _MINUTE_MS
            marks = {shard: marks.get(shard, first) for shard in shards}
        return marks

    def _raise_marks(self, floors: dict[int, int], now_ms: int) -> None:
        """Move the marks past minutes that are empty and long over. Two relays may do this at once. If a mark goes back
        because of that, more is read, but nothing is lost.
        """
        reached = {shard: min(floor, now_ms - _MARK_LAG_MS) // _MINUTE_MS for shard, floor in floors.items()}
        self._session.rows_of_many([(_SET_MARK, (shard, minute)) for shard, minute in reached.items()])


def _cut(part: KeyRange[_DuePosition]) -> _DuePosition | None:
    """Cut a part by time; within one millisecond, by id."""
    (begin_ms, begin_id), (end_ms, end_id) = part.begin, part.end
    if end_ms - begin_ms > 1:
        return (begin_ms + end_ms) // 2, _FIRST_ID
    middle = between_any(begin_id, end_id if end_ms == begin_ms else None)
    return None if middle is None else (begin_ms, middle)


def _delete_cql(count: int) -> str:
    return _DELETE if count == 1 else f"BEGIN UNLOGGED BATCH {'; '.join([_DELETE] * count)}; APPLY BATCH"


def _intent_of(row: Any) -> Intent:
    asset_id, version, revision, scope, change_id, recorded_ms, due_ms = row
    change = AssetChanged(
        asset_id=asset_id, version=version, revision=revision, scope=Scope(scope), change_id=change_id
    )
    return Intent(message=change, recorded_ms=recorded_ms, due_ms=due_ms)
