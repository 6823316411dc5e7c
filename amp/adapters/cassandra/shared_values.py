"""Shared values in Cassandra: a row each, written if there was none."""

from typing import Any

from amp.adapters.cassandra.session import CassandraSession, Mode
from amp.adapters.cassandra.settling import settled

_PUT = "INSERT INTO {ks}.shared_values (name, value) VALUES (?, ?) IF NOT EXISTS"
_GET = "SELECT value FROM {ks}.shared_values WHERE name = ?"


class CassandraSharedValues:
    """`SharedValues`."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def get_or_put(self, name: str, value: bytes) -> bytes:
        if rows := self._session.run(_GET, (name,)):
            return _value_of(rows)
        settled(
            lambda: bool(self._session.run(_PUT, (name, value), Mode.CONDITIONAL)[0]["[applied]"]),
            # Whoever put it, it is there.
            lambda: True if self._session.run(_GET, (name,), Mode.SERIAL) else None,
        )
        return _value_of(self._session.run(_GET, (name,)))


def _value_of(rows: list[Any]) -> bytes:
    return bytes(rows[0][0])
