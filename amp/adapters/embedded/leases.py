"""Leases on SQLite."""

import time

from amp.adapters.embedded.database import Database

_TAKE = (
    "INSERT INTO leases (name, holder, expires_ms) VALUES (?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_ms = excluded.expires_ms"
    " WHERE holder = excluded.holder OR expires_ms <= ?"
)


class SqliteLeases:
    """They are not worth a wait for the disk: one lost in a power loss is taken again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, name: str, holder: str, ttl_s: int) -> bool:
        if ttl_s < 1:
            raise ValueError(f"a lease of {ttl_s} s")
        with self._database.writing(durable=False) as connection:
            now_ms = time.time_ns() // 1_000_000
            taken = connection.execute(_TAKE, (name, holder, now_ms + ttl_s * 1000, now_ms))
            return taken.rowcount == 1

    def release(self, name: str, holder: str) -> None:
        with self._database.writing(durable=False) as connection:
            connection.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (name, holder))
