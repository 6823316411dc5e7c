"""Shared values in Cassandra: one row each, written if there is none yet."""

from typing import Any

from amp.adapters.cassandra.session import CassandraSession, Mode
from amp.adapters.cassandra.settling import settle

_PUT = "INSERT INTO {ks}.shared_values (name, value) VALUES (?, ?) IF NOT EXISTS"
_GET = "SELECT value FROM {ks}.shared_values WHERE name = ?"


class CassandraSharedValues:
    """Implements `SharedValues`."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def get_or_put(self, name: str, value: bytes) -> bytes:
        if rows := self._session.run(_GET, (name,)):
            return _value_of(rows)
        settle(
            lambda: bool(self._session.run(_PUT, (name, value), Mode.CONDITIONAL)[0]["[applied]"]),
            # It does not matter which process stored the value.
            lambda: True if self._session.run(_GET, (name,), Mode.SERIAL) else None,
        )
        return _value_of(self._session.run(_GET, (name,)))


def _value_of(rows: list[Any]) -> bytes:
    return bytes(rows[0][0])
