"""The lock that lets one process at a time change the schema."""

from types import TracebackType
from uuid import uuid4

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_random

from amp.adapters.cassandra.session import CassandraSession, Mode
from amp.adapters.cassandra.settling import settle
from amp.errors import StoreUnavailable

#: How long the lock is held after a crash, in seconds: longer than any single statement takes.
_TTL_S = 120
_WAIT_S = 600.0

_ACQUIRE = f"INSERT INTO {{ks}}.schema_locks (name, owner) VALUES ('schema', ?) IF NOT EXISTS USING TTL {_TTL_S}"
_RENEW = f"UPDATE {{ks}}.schema_locks USING TTL {_TTL_S} SET owner = ? WHERE name = 'schema' IF owner = ?"
_RELEASE = "DELETE FROM {ks}.schema_locks WHERE name = 'schema' IF owner = ?"
_OWNER = "SELECT owner FROM {ks}.schema_locks WHERE name = 'schema'"


class SchemaLock:
    """A lock that a process holds within a `with` block. If the process is killed, the lock expires after `_TTL_S`."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._owner = uuid4()

    def __enter__(self) -> "SchemaLock":
        waiting = Retrying(
            retry=retry_if_result(lambda is_held: not is_held),
            stop=stop_after_delay(_WAIT_S),
            wait=wait_random(0.1, 0.3),
        )
        try:
            waiting(self._write, _ACQUIRE, (self._owner,))
        except RetryError as e:
            raise StoreUnavailable(
                f"another process has been migrating Cassandra for {_WAIT_S:g} s; migrate again when it has finished"
            ) from e
        return self

    def renew(self) -> None:
        """Extend the lock.

        :raises StoreUnavailable: the lock was lost.
        """
        if not self._write(_RENEW, (self._owner, self._owner)):
            raise StoreUnavailable("the lock on Cassandra's schema was lost; migrate again")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.run(_RELEASE, (self._owner,), Mode.CONDITIONAL)

    def _write(self, cql: str, values: tuple[object, ...]) -> bool:
        """Return whether this process holds the lock after the conditional write."""
        return settle(
            lambda: bool(self._session.run(cql, values, Mode.CONDITIONAL)[0]["[applied]"]),
            lambda: self._session.run(_OWNER, (), Mode.SERIAL) == [(self._owner,)],
        )
