"""The log of intents on SQLite."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from amp.adapters.embedded.database import Database
from amp.domain.assets import Scope
from amp.domain.messages import DEFERRAL_SLACK_MS, MAX_DEFERRAL_MS, MIN_DEFERRAL_MS, AssetChanged, Intent
from amp.errors import NotMigrated, StoreUnavailable

#: The condition of `Intent.is_due`, in SQL.
_IS_DUE = (
    "due_ms <= :now OR due_ms > :now"
    f" + min(max(:now - recorded_ms, {MIN_DEFERRAL_MS}), {MAX_DEFERRAL_MS}) + {DEFERRAL_SLACK_MS}"
)
_COLUMNS = "due_ms, asset_id, change_id, version, revision, scope, recorded_ms"
_KEY = "due_ms = ? AND asset_id = ? AND change_id = ?"


@dataclass(frozen=True, slots=True)
class _Inherited:
    """The inherited intents that are not read yet: recorded up to `recorded_ms`, with a key less than `before`."""

    before: tuple[int, bytes, bytes]
    recorded_ms: int


class SqliteIntentLog:
    """The intents in `store.db`. Its writes do not wait for the disk: after a power loss, a cleared intent may reappear
    and is published again, and a deferred intent may be due earlier.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        #: Intents that a former process left behind and that are not read yet. Its clock may have been wrong.
        self._inherited: _Inherited | None = None
        self._has_looked = False
        #: Inherited intents that were read. They stay due until they are cleared or deferred, like all others, because
        #: not only the relay reads them.
        self._found: dict[Intent, None] = {}
        self._lock = threading.Lock()
        with suppress(StoreUnavailable):
            self._look_for_inherited()

    def due(self, now_ms: int, limit: int) -> list[Intent]:
        with self._lock:
            if not self._has_looked:
                self._look_for_inherited()
            due = self._read(f"({_IS_DUE}) ORDER BY due_ms LIMIT :limit", {"now": now_ms, "limit": limit})
            left = limit - len(due) - len(self._found)
            if self._inherited and left > 0:
                self._found |= dict.fromkeys(self._read_inherited(self._inherited, now_ms, left))
            return list(dict.fromkeys([*due, *self._found]))[:limit]

    def _look_for_inherited(self) -> None:
        try:
            with self._database.reading() as connection:
                due_ms, recorded_ms = connection.execute("SELECT max(due_ms), max(recorded_ms) FROM intents").fetchone()
        except NotMigrated:
            due_ms = None  # the store is new
        if due_ms is not None:
            self._inherited = _Inherited(before=(due_ms + 1, b"", b""), recorded_ms=recorded_ms)
        self._has_looked = True

    def _read_inherited(self, inherited: _Inherited, now_ms: int, limit: int) -> list[Intent]:
        """Return inherited intents that are not due, each about once. They are read from the last to the first, because
        an intent that is deferred usually moves beyond those that are still to be read.
        """
        due_ms, asset_id, change_id = inherited.before
        intents = self._read(
            f"NOT ({_IS_DUE}) AND recorded_ms <= :recorded"
            " AND (due_ms, asset_id, change_id) < (:due, :asset, :change)"
            " ORDER BY due_ms DESC, asset_id DESC, change_id DESC LIMIT :limit",
            {
                "now": now_ms,
                "recorded": inherited.recorded_ms,
                "due": due_ms,
                "asset": asset_id,
                "change": change_id,
                "limit": limit,
            },
        )
        self._inherited = replace(inherited, before=_key(intents[-1])) if len(intents) == limit else None
        return intents[::-1]

    def _read(self, where: str, values: Mapping[str, int | bytes]) -> list[Intent]:
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM intents WHERE {where}", values).fetchall()
        return [
            Intent(
                message=AssetChanged(
                    asset_id=UUID(bytes=asset_id),
                    version=version,
                    revision=revision,
                    scope=Scope(scope),
                    change_id=UUID(bytes=change_id),
                ),
                recorded_ms=recorded_ms,
                due_ms=due_ms,
            )
            for due_ms, asset_id, change_id, version, revision, scope, recorded_ms in rows
        ]

    def clear(self, intents: Sequence[Intent]) -> None:
        with self._database.writing(durable=False) as connection:
            connection.executemany(f"DELETE FROM intents WHERE {_KEY}", [_key(intent) for intent in intents])
        self._forget(intents)

    def defer(self, intent: Intent, due_ms: int) -> None:
        with self._database.writing(durable=False) as connection:
            connection.execute(f"UPDATE OR REPLACE intents SET due_ms = ? WHERE {_KEY}", (due_ms, *_key(intent)))
        self._forget([intent])

    def _forget(self, intents: Sequence[Intent]) -> None:
        with self._lock:
            for intent in intents:
                self._found.pop(intent, None)


def _key(intent: Intent) -> tuple[int, bytes, bytes]:
    return intent.due_ms, intent.message.asset_id.bytes, intent.message.change_id.bytes
