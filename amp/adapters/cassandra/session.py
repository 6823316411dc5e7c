"""The connection to Cassandra: opened on first use, shared by all adapters and threads of a process."""

import ssl
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from enum import StrEnum
from itertools import islice
from typing import Any

# The driver comes without types.
from cassandra import ConsistencyLevel, ProtocolVersion  # type: ignore[import-untyped]
from cassandra.auth import PlainTextAuthProvider  # type: ignore[import-untyped]
from cassandra.cluster import (  # type: ignore[import-untyped]
    EXEC_PROFILE_DEFAULT,
    Cluster,
    ExecutionProfile,
    ResponseFuture,
    Session,
)
from cassandra.concurrent import execute_concurrent  # type: ignore[import-untyped]
from cassandra.policies import (  # type: ignore[import-untyped]
    DCAwareRoundRobinPolicy,
    ExponentialReconnectionPolicy,
    TokenAwarePolicy,
)
from cassandra.query import PreparedStatement, dict_factory, tuple_factory  # type: ignore[import-untyped]

from amp.adapters.cassandra.datacenters import (
    local_datacenter,
    refuse_split_conditions,
    replicated_datacenters,
)
from amp.adapters.cassandra.errors import DRIVER_ERRORS, translated, translation
from amp.addresses import split_host
from amp.errors import BadSetting, StoreUnavailable
from amp.settings import Settings, variable

#: CQL with `{ks}` for the keyspace, and the values of its placeholders.
Request = tuple[str, tuple[Any, ...]]
#: The rows of an answer, or the error that arrived instead.
RowsOrError = list[Any] | BaseException

#: How long after a failed attempt to connect callers fail at once, in seconds. Otherwise each would wait for a new one.
_FAILURE_REMEMBERED_S = 1.0
_PORT = 9042  #: port of hosts without one


class Mode(StrEnum):
    """How a request is executed."""

    PLAIN = "plain"  #: rows are tuples
    SERIAL = (
        "serial"  #: a read that first finishes conditional writes that are accepted but not finished; rows are tuples
    )
    CONDITIONAL = "conditional"  #: rows are dicts: the columns of a refused write depend on the reason


class CassandraSession:
    """A thread-safe session. It connects in the process that first uses it, so it may be created before a fork, but
    used only afterwards.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keyspace = settings.cassandra_keyspace
        self._tls = _tls_context(settings)
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._connecting: Future[Session] | None = None
        self._failure: tuple[float, str] | None = None
        self._closed = False
        self._statements: dict[str, PreparedStatement] = {}

    def run(
        self, cql: str, values: tuple[Any, ...] = (), mode: Mode = Mode.PLAIN, timeout_s: float | None = None
    ) -> list[Any]:
        """Send one request and return its rows.

        :raises StoreUnavailable: a write may or may not take effect, now or later.
        """
        with translated():
            statement = self._prepared(cql)
            timeout = self.settings.cassandra_timeout_s if timeout_s is None else timeout_s
            result = self.connected().execute(statement, values, timeout=timeout, execution_profile=mode)
            return result.current_rows or []

    def run_many(self, requests: Sequence[Request], mode: Mode = Mode.PLAIN, window: int = 100) -> list[RowsOrError]:
        """Send these requests, up to `window` of them at a time, and return the answer to each, in order.

        :raises StoreUnavailable: nothing was sent.
        """
        with translated():
            session = self.connected()
            bound = [(self._prepared(cql), values) for cql, values in requests]
            results = execute_concurrent(
                session, bound, concurrency=window, raise_on_first_error=False, execution_profile=mode
            )
        return [result.current_rows or [] if success else result for success, result in results]

    def rows_of_many(self, requests: Sequence[Request], mode: Mode = Mode.PLAIN) -> list[list[Any]]:
        """Send these requests and return the rows of each, in order.

        :raises StoreUnavailable: at least one has no answer.
        """
        return [rows_of(answer) for answer in self.run_many(requests, mode)]

    def rows_of_each(self, requests: Iterable[Request], window: int) -> Iterator[list[Any]]:
        """Send these requests, up to `window` of them at a time, and yield the rows of each, in order. Requests after
        the first `window` are sent only as rows are consumed.

        :raises StoreUnavailable: a request has no answer.
        """
        rest = iter(requests)
        in_progress = deque(map(self._send, islice(rest, window)))
        while in_progress:
            with translated():
                rows = in_progress.popleft().result().current_rows or []
            yield rows
            in_progress.extend(map(self._send, islice(rest, 1)))

    def connected(self, timeout_s: float | None = None) -> Session:
        """Return the driver's session, connected.

        :raises StoreUnavailable: connecting did not succeed in time, or has just failed.
        """
        if (session := self._session) is not None:
            return session
        with self._lock:
            if self._closed:
                raise StoreUnavailable("the connection to Cassandra is closed")
            if self._failure and time.monotonic() - self._failure[0] < _FAILURE_REMEMBERED_S:
                raise StoreUnavailable(self._failure[1])
            if self._connecting is None:
                self._connecting = Future()
                # In a separate thread, so that each caller can keep its own timeout.
                threading.Thread(target=self._connect, args=(self._connecting,), daemon=True).start()
            connecting = self._connecting
        try:
            return connecting.result(timeout_s or self.settings.cassandra_timeout_s)
        except TimeoutError as e:
            raise StoreUnavailable(f"no connection to Cassandra at {self.address} in time") from e

    @property
    def address(self) -> str:
        return ",".join(self.settings.cassandra_hosts)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            session, self._session = self._session, None
        if session is not None:
            session.cluster.shutdown()

    def _send(self, request: Request) -> ResponseFuture:
        cql, values = request
        with translated():
            return self.connected().execute_async(self._prepared(cql), values, execution_profile=Mode.PLAIN)

    def _prepared(self, cql: str) -> PreparedStatement:
        statement = self._statements.get(cql)
        if statement is None:
            statement = self.connected().prepare(cql.replace("{ks}", self.keyspace))
            self._statements[cql] = statement
        return statement

    def _connect(self, connecting: "Future[Session]") -> None:
        cluster = None
        try:
            cluster = _cluster(self.settings, self._tls)
            session = cluster.connect()
            refuse_split_conditions(replicated_datacenters(cluster.metadata, self.settings), self.settings)
        # Every error must be passed to the callers that wait for this thread.
        except Exception as e:  # noqa: BLE001
            if cluster is not None:
                cluster.shutdown()
            error = translation(e) if isinstance(e, DRIVER_ERRORS) else StoreUnavailable(str(e))
            error.__cause__ = e
            with self._lock:
                self._failure, self._connecting = (time.monotonic(), error.message), None
            connecting.set_exception(error)
            return
        # No request uses the driver's paging: each limits its rows by a LIMIT.
        session.default_fetch_size = None
        with self._lock:
            self._connecting = None
            if not self._closed:
                self._session = session
        if self._session is None:
            cluster.shutdown()
        connecting.set_result(session)


def rows_of(answer: RowsOrError) -> list[Any]:
    """Return the rows of an answer.

    :raises StoreUnavailable: there is no answer.
    """
    if isinstance(answer, BaseException):
        raise translation(answer) from answer
    return answer


def _tls_context(settings: Settings) -> ssl.SSLContext | None:
    if settings.cassandra_tls_ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=settings.cassandra_tls_ca)
    except OSError as e:
        raise BadSetting(f"{variable('cassandra_tls_ca')}={settings.cassandra_tls_ca}: {e}") from e


def _cluster(settings: Settings, tls: ssl.SSLContext | None) -> Cluster:
    hosts = [split_host(host, _PORT) for host in settings.cassandra_hosts]
    password = settings.cassandra_password
    return Cluster(
        contact_points=hosts,
        port=hosts[0][1],
        # The version of Cassandra 4 and 5. Otherwise the driver would try newer versions first, which takes two more
        # connections each time.
        protocol_version=ProtocolVersion.V5,
        auth_provider=(
            PlainTextAuthProvider(settings.cassandra_user, password.get_secret_value() if password else "")
            if settings.cassandra_user
            else None
        ),
        ssl_context=tls,
        execution_profiles=_profiles(settings),
        connect_timeout=settings.cassandra_timeout_s,
        control_connection_timeout=settings.cassandra_timeout_s,
        # Reconnect within seconds once the servers are available again.
        reconnection_policy=ExponentialReconnectionPolicy(0.5, 5.0),
        idle_heartbeat_interval=10,
        idle_heartbeat_timeout=settings.cassandra_timeout_s,
    )


def _profiles(settings: Settings) -> dict[Any, ExecutionProfile]:
    plain = getattr(ConsistencyLevel, settings.cassandra_consistency)
    serial = getattr(ConsistencyLevel, settings.cassandra_serial_consistency)

    def profile(level: int, row_factory: Any) -> ExecutionProfile:
        return ExecutionProfile(
            load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(local_datacenter(settings))),
            consistency_level=level,
            serial_consistency_level=serial,
            request_timeout=settings.cassandra_timeout_s,
            row_factory=row_factory,
        )

    return {
        EXEC_PROFILE_DEFAULT: profile(plain, tuple_factory),
        Mode.PLAIN: profile(plain, tuple_factory),
        Mode.SERIAL: profile(serial, tuple_factory),
        Mode.CONDITIONAL: profile(plain, dict_factory),
    }
