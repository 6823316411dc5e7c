"""The log of intents on SQLite."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from amp.adapters.embedded.database import Database
from amp.domain.assets import Scope
from amp.domain.events import DEFERRAL_SLACK_MS, MAX_DEFERRAL_MS, MIN_DEFERRAL_MS, Event, Intent
from amp.errors import NotMigrated, StoreUnavailable

#: `Intent.is_due`.
_IS_DUE = (
    "due_ms <= :now OR due_ms > :now"
    f" + min(max(:now - recorded_ms, {MIN_DEFERRAL_MS}), {MAX_DEFERRAL_MS}) + {DEFERRAL_SLACK_MS}"
)
_COLUMNS = "due_ms, asset_id, change_id, version, revision, scope, recorded_ms"
_KEY = "due_ms = ? AND asset_id = ? AND change_id = ?"


class SqliteIntentLog:
    """Its writes are not worth a wait for the disk: an intent that comes back after a power loss is published again,
    and one deferred comes earlier."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: Changes whose intents a former process left. Its clock may have been wrong: they are due once, whenever
        #: they say.
        self._inherited: set[UUID] = set()
        with suppress(NotMigrated, StoreUnavailable):
            self._inherited = {intent.event.change_id for intent in self._read("", {})}

    def due(self, now_ms: int, limit: int) -> list[Intent]:
        if self._inherited:
            inherited = [i for i in self._read("", {}) if i.event.change_id in self._inherited][:limit]
            self._inherited -= {intent.event.change_id for intent in inherited}
            if inherited:
                return inherited
            self._inherited.clear()
        return self._read(f" WHERE {_IS_DUE} ORDER BY due_ms LIMIT :limit", {"now": now_ms, "limit": limit})

    def _read(self, which: str, values: dict[str, int]) -> list[Intent]:
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM intents{which}", values).fetchall()
        return [
            Intent(
                event=Event(
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

    def defer(self, intent: Intent, due_ms: int) -> None:
        with self._database.writing(durable=False) as connection:
            connection.execute(f"UPDATE OR REPLACE intents SET due_ms = ? WHERE {_KEY}", (due_ms, *_key(intent)))


def _key(intent: Intent) -> tuple[int, bytes, bytes]:
    return intent.due_ms, intent.event.asset_id.bytes, intent.event.change_id.bytes
