"""Claims on SQLite."""

import sqlite3
import time
from collections.abc import Sequence
from uuid import UUID

from amp.adapters.embedded.database import Database
from amp.ports.claims import Claim


class SqliteClaims:
    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, claims: Sequence[Claim], ttl_s: int | None = None) -> list[Claim]:
        now_ms = _now_ms()
        expires_ms = None if ttl_s is None else now_ms + ttl_s * 1000
        rows = [(claim.scope, claim.key, claim.asset_id.bytes, claim.digest, expires_ms) for claim in claims]
        with self._database.writing() as connection:
            connection.execute("DELETE FROM claims WHERE expires_ms <= ?", (now_ms,))
            connection.executemany("INSERT OR IGNORE INTO claims VALUES (?, ?, ?, ?, ?)", rows)
            # None is left out: each key is held now, by the claim given or by an earlier one.
            return [holder for claim in claims if (holder := _holder(connection, claim.scope, claim.key, past_ms=0))]

    def holders(self, keys: Sequence[tuple[str, str]]) -> list[Claim | None]:
        with self._database.reading() as connection:
            return [_holder(connection, scope, key, past_ms=_now_ms()) for scope, key in keys]

    def release(self, claim: Claim) -> None:
        with self._database.writing() as connection:
            connection.execute(
                "DELETE FROM claims WHERE scope = ? AND key = ? AND asset_id = ?",
                (claim.scope, claim.key, claim.asset_id.bytes),
            )


def _holder(connection: sqlite3.Connection, scope: str, key: str, *, past_ms: int) -> Claim | None:
    row = connection.execute(
        "SELECT asset_id, digest FROM claims WHERE scope = ? AND key = ? AND (expires_ms IS NULL OR expires_ms > ?)",
        (scope, key, past_ms),
    ).fetchone()
    return None if row is None else Claim(scope, key, UUID(bytes=row[0]), row[1])


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
