"""Keyspaces of a Cassandra that tests use one after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from cassandra.cluster import Cluster, Session  # type: ignore[import-untyped]

from tests.support.stack.server import Server

_WRITES = "SELECT table_name, count FROM system_views.local_write_latency WHERE keyspace_name = %s ALLOW FILTERING"
#: What is applied stays applied.
_KEPT = "schema_migrations"
_TIMEOUT_S = 60


class Keyspaces:
    """Names of keyspaces for tests. One that is given back is taken again, with its tables, which are emptied first. To
    create them takes seconds, and more each time: Cassandra reads what is and was in its schema at every change of it.

    It is thread-safe. Of a server that is not ours nothing is changed, so every keyspace is new.
    """

    def __init__(self, cassandra: Server) -> None:
        self._cassandra = cassandra
        self._free: deque[str] = deque()
        #: The writes of each table when it was last emptied, by keyspace.
        self._emptied: dict[str, Mapping[str, int]] = {}

    def take(self) -> str | None:
        """Return the name of an empty keyspace, or None if there is none yet."""
        try:
            keyspace = self._free.popleft()
        except IndexError:
            return None
        self._empty(keyspace)
        return keyspace

    def give_back(self, keyspace: str) -> None:
        """Leave the keyspace to the next user. Its tables must be those that migrations make."""
        if self._cassandra.ours:
            self._free.append(keyspace)

    def remove(self, keyspaces: list[str]) -> None:
        """Drop these keyspaces, which nobody uses any longer."""
        if keyspaces and self._cassandra.ours and self._cassandra.answers():
            with self._connected() as session:
                for keyspace in keyspaces:
                    session.execute(f"DROP KEYSPACE IF EXISTS {keyspace}", timeout=_TIMEOUT_S)

    def close(self) -> None:
        """Drop the keyspaces that were given back."""
        self.remove(list(self._free))

    def _empty(self, keyspace: str) -> None:
        with self._connected() as session:
            writes = dict(session.execute(_WRITES, (keyspace,), timeout=_TIMEOUT_S).all())
            before = self._emptied.get(keyspace, {})
            written = [table for table, count in writes.items() if count != before.get(table, 0) and table != _KEPT]
            statements = [f"TRUNCATE {keyspace}.{table}" for table in written]
            for answer in [session.execute_async(statement, timeout=_TIMEOUT_S) for statement in statements]:
                answer.result()
            self._emptied[keyspace] = writes

    @contextmanager
    def _connected(self) -> Iterator[Session]:
        address = [self._cassandra.host]
        with Cluster(address, port=self._cassandra.port, schema_metadata_enabled=False) as cluster:
            yield cluster.connect()
