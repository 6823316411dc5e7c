"""The log of intents on SQLite."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from amp.adapters.embedded.database import Database
from amp.domain.assets import Scope
from amp.domain.messages import DEFERRAL_SLACK_MS, MAX_DEFERRAL_MS, MIN_DEFERRAL_MS, AssetChanged, Intent
from amp.errors import NotMigrated, StoreUnavailable

#: `Intent.is_due`.
_IS_DUE = (
    "due_ms <= :now OR due_ms > :now"
    f" + min(max(:now - recorded_ms, {MIN_DEFERRAL_MS}), {MAX_DEFERRAL_MS}) + {DEFERRAL_SLACK_MS}"
)
_COLUMNS = "due_ms, asset_id, change_id, version, revision, scope, recorded_ms"
_KEY = "due_ms = ? AND asset_id = ? AND change_id = ?"


@dataclass(frozen=True, slots=True)
class _Inherited:
    """Those recorded up to `recorded_ms` and with a key below `before`."""

    before: tuple[int, bytes, bytes]
    recorded_ms: int


class SqliteIntentLog:
    """Its writes are not worth a wait for the disk: an intent that comes back after a power loss is published again,
    and one deferred comes earlier."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: Intents that a former process left and that are not read yet; its clock may have been wrong.
        self._inherited: _Inherited | None = None
        with suppress(NotMigrated, StoreUnavailable):
            self._inherited = self._find_inherited()

    def due(self, now_ms: int, limit: int) -> list[Intent]:
        due = self._read(f"({_IS_DUE}) ORDER BY due_ms LIMIT :limit", {"now": now_ms, "limit": limit})
        if self._inherited and len(due) < limit:
            due += self._some_inherited(self._inherited, now_ms, limit - len(due))
        return due

    def _find_inherited(self) -> _Inherited | None:
        with self._database.reading() as connection:
            due_ms, recorded_ms = connection.execute("SELECT max(due_ms), max(recorded_ms) FROM intents").fetchone()
        return None if due_ms is None else _Inherited(before=(due_ms + 1, b"", b""), recorded_ms=recorded_ms)

    def _some_inherited(self, inherited: _Inherited, now_ms: int, limit: int) -> list[Intent]:
        """Inherited intents that are not due, each about once. Read from the last to the first: whoever defers one
        usually moves it past the part that is still to be read.
        """
        due_ms, asset_id, change_id = inherited.before
        found = self._read(
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
        self._inherited = replace(inherited, before=_key(found[-1])) if len(found) == limit else None
        return found[::-1]

    def _read(self, which: str, values: Mapping[str, int | bytes]) -> list[Intent]:
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM intents WHERE {which}", values).fetchall()
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

    def defer(self, intent: Intent, due_ms: int) -> None:
        with self._database.writing(durable=False) as connection:
            connection.execute(f"UPDATE OR REPLACE intents SET due_ms = ? WHERE {_KEY}", (due_ms, *_key(intent)))


def _key(intent: Intent) -> tuple[int, bytes, bytes]:
    return intent.due_ms, intent.message.asset_id.bytes, intent.message.change_id.bytes
