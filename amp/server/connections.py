"""The connections of one process. Beyond their limit, a new connection replaces an idle or slow one."""

from collections.abc import Iterator

from amp.server.connection import Connection, ConnectionPhase

#: The phases in which a connection can be replaced, in this order. A connection is never replaced while its request is
#: being processed.
_REPLACEABLE_PHASES = (ConnectionPhase.LINGER, ConnectionPhase.IDLE, ConnectionPhase.TRANSFER)


class Connections:
    """The open connections and their phases. Beyond the limit, a new connection replaces one that was refused or is
    idle, or else one whose client is slow to send a body or to read a response. Among these, it replaces the oldest one
    of the client that has most of them, so that no client can keep others out by using all connections.
    """

    def __init__(self, max_connections: int) -> None:
        self._max_connections = max_connections
        self._all: dict[Connection, ConnectionPhase] = {}
        #: Connections by phase and client, longest in the phase first.
        self._by_client: dict[ConnectionPhase, dict[str, dict[Connection, None]]] = {
            phase: {} for phase in _REPLACEABLE_PHASES
        }

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._all))

    def add(self, connection: Connection) -> bool:
        """Add a connection, which counts until `remove`. Return False if there are too many connections and none can be
        replaced.
        """
        self._all[connection] = ConnectionPhase.WORK
        return len(self._all) <= self._max_connections or self._replace_one()

    def enter(self, connection: Connection, phase: ConnectionPhase) -> None:
        """Record that the connection is in this phase now."""
        former = self._all[connection]
        if phase is former:
            return
        self._all[connection] = phase
        self._forget(connection, former)
        if phase in self._by_client:
            self._by_client[phase].setdefault(connection.client, {})[connection] = None

    def remove(self, connection: Connection) -> None:
        self._forget(connection, self._all.pop(connection))

    def _forget(self, connection: Connection, phase: ConnectionPhase) -> None:
        clients = self._by_client.get(phase, {})
        connections = clients.get(connection.client, {})
        if connection in connections:
            del connections[connection]
            if not connections:
                del clients[connection.client]

    def _replace_one(self) -> bool:
        for phase in _REPLACEABLE_PHASES:
            if clients := self._by_client[phase]:
                largest = max(clients, key=lambda client: len(clients[client]))
                oldest = next(iter(clients[largest]))
                # It ends soon, and must not be chosen again until then.
                self.enter(oldest, ConnectionPhase.WORK)
                oldest.end()
                return True
        return False
