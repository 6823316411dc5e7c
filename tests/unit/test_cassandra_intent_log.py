"""Reads of the intent log that failed are made again, the wide ones too."""

from collections.abc import Sequence
from typing import Any

import pytest

from amp.adapters.cassandra.intent_log import CassandraIntentLog
from amp.errors import StoreUnavailable

_NOW_MS = 1_800_000_000_000
_DAY_MS = 86_400_000


class Session:
    """An empty keyspace; notes from where intents are read, and fails while it is told to."""

    def __init__(self) -> None:
        self.read_from_ms: list[int] = []
        self.down = False

    def run(self, cql: str, _values: tuple[Any, ...] = ()) -> list[tuple[int, ...]]:
        return [(_NOW_MS,)] if "schema_migrations" in cql else []

    def rows_of_many(self, requests: Sequence[tuple[str, tuple[int, ...]]]) -> list[list[Any]]:
        if self.down:
            raise StoreUnavailable
        self.read_from_ms += [values[2] for cql, values in requests if cql.startswith("SELECT")]
        return [[] for _ in requests]


def test_a_wide_read_that_failed_is_made_again_by_the_next_call() -> None:
    session = Session()
    log = CassandraIntentLog(session, first_wide_s=0)  # type: ignore[arg-type]
    session.down = True
    with pytest.raises(StoreUnavailable):
        log.due(_NOW_MS, 10)
    session.down = False
    log.due(_NOW_MS, 10)
    assert min(session.read_from_ms) <= _NOW_MS - _DAY_MS
    session.read_from_ms.clear()
    log.due(_NOW_MS, 10)
    assert min(session.read_from_ms) > _NOW_MS - _DAY_MS
