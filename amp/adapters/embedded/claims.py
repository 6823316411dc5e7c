"""Claims on SQLite."""

import sqlite3
import time
from collections.abc import Collection, Sequence
from uuid import UUID

import orjson

from amp.adapters.embedded.database import Database
from amp.domain.claims import Claim
from amp.ports.claims import ClaimPage

#: Maximum error of the clock, in milliseconds.
_CLOCK_ERROR_MS = 25 * 3_600_000


class SqliteClaims:
    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, claims: Sequence[Claim], ttl_s: int | None = None) -> list[Claim]:
        now_ms = _now_ms()
        expires_ms = None if ttl_s is None else now_ms + ttl_s * 1000
        rows = [(claim.scope, claim.key, claim.holder_id.bytes, claim.digest, expires_ms) for claim in claims]
        with self._database.writing() as connection:
            # Expired claims of other keys are kept for longer, because the clock may be ahead for a moment.
            connection.execute("DELETE FROM claims WHERE expires_ms <= ?", (now_ms - _CLOCK_ERROR_MS,))
            connection.executemany(
                "DELETE FROM claims WHERE scope = ? AND key = ? AND expires_ms <= ?",
                [(claim.scope, claim.key, now_ms) for claim in claims],
            )
            connection.executemany("INSERT OR IGNORE INTO claims VALUES (?, ?, ?, ?, ?)", rows)
            # No claim is left out: each key now has a holder, which is the given claim or an earlier one.
            return [holder for claim in claims if (holder := _holder(connection, claim.scope, claim.key, past_ms=0))]

    def holders(self, keys: Sequence[tuple[str, str]]) -> list[Claim | None]:
        with self._database.reading() as connection:
            return [_holder(connection, scope, key, past_ms=_now_ms()) for scope, key in keys]

    def replace(self, claim: Claim, by: Claim) -> bool:
        now_ms = _now_ms()
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE claims SET asset_id = ?, digest = ?, expires_ms = NULL"
                " WHERE scope = ? AND key = ? AND asset_id = ? AND digest = ?"
                " AND (expires_ms IS NULL OR expires_ms > ?)",
                (by.holder_id.bytes, by.digest, claim.scope, claim.key, claim.holder_id.bytes, claim.digest, now_ms),
            )
            return _holder(connection, claim.scope, claim.key, past_ms=now_ms) == by

    def release(self, claim: Claim) -> None:
        with self._database.writing() as connection:
            connection.execute(
                "DELETE FROM claims WHERE scope = ? AND key = ? AND asset_id = ? AND digest = ?",
                (claim.scope, claim.key, claim.holder_id.bytes, claim.digest),
            )

    def page(self, position: str | None, limit: int) -> ClaimPage:
        after = ("", "") if position is None else orjson.loads(position)
        query = (
            "SELECT scope, key, asset_id, digest FROM claims WHERE (scope, key) > (?, ?)"
            " AND (expires_ms IS NULL OR expires_ms > ?) ORDER BY scope, key LIMIT ?"
        )
        with self._database.reading() as connection:
            claims = [_claim(row) for row in connection.execute(query, (*after, _now_ms(), limit))]
        last = orjson.dumps([claims[-1].scope, claims[-1].key]).decode() if len(claims) == limit else None
        return ClaimPage(tuple(claims), last)

    def list_by_asset(self, claims: Sequence[Claim]) -> None:
        """Do nothing: an index of the database lists the claims by asset."""

    def of_assets(self, asset_ids: Collection[UUID]) -> list[Claim]:
        query = (
            "SELECT scope, key, asset_id, digest FROM claims WHERE asset_id = ?"
            " AND (expires_ms IS NULL OR expires_ms > ?)"
        )
        now_ms = _now_ms()
        with self._database.reading() as connection:
            return [
                _claim(row)
                for asset_id in dict.fromkeys(asset_ids)
                for row in connection.execute(query, (asset_id.bytes, now_ms))
            ]


def _claim(row: tuple[str, str, bytes, str]) -> Claim:
    scope, key, asset_id, digest = row
    return Claim(scope, key, UUID(bytes=asset_id), digest)


def _holder(connection: sqlite3.Connection, scope: str, key: str, *, past_ms: int) -> Claim | None:
    row = connection.execute(
        "SELECT asset_id, digest FROM claims WHERE scope = ? AND key = ? AND (expires_ms IS NULL OR expires_ms > ?)",
        (scope, key, past_ms),
    ).fetchone()
    return None if row is None else Claim(scope, key, UUID(bytes=row[0]), row[1])


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
