"""The connections of one process; beyond their limit, a new connection replaces an idle or slow one."""

from collections.abc import Iterator

from amp.server.connection import Connection, ConnectionPhase

#: In this order connections make room. One whose request is being worked on never does.
_MAKE_ROOM = (ConnectionPhase.LINGER, ConnectionPhase.IDLE, ConnectionPhase.TRANSFER)


class Connections:
    """Past the limit, a connection that was refused or is idle makes room, else one whose client is slow to send a body
    or to read an answer. Among these it is the oldest one of the client that has most of them: nobody keeps others out
    by holding all."""

    def __init__(self, max_connections: int) -> None:
        self._max_connections = max_connections
        self._all: dict[Connection, ConnectionPhase] = {}
        #: Connections by phase and client, longest in the phase first.
        self._by_client: dict[ConnectionPhase, dict[str, dict[Connection, None]]] = {phase: {} for phase in _MAKE_ROOM}

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._all))

    def add(self, connection: Connection) -> bool:
        """False: there are too many, and none can make room. The connection counts until `remove` all the same."""
        self._all[connection] = ConnectionPhase.WORK
        return len(self._all) <= self._max_connections or self._make_room()

    def enter(self, connection: Connection, phase: ConnectionPhase) -> None:
        """The connection is in this phase now."""
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
        of_client = clients.get(connection.client, {})
        if connection in of_client:
            del of_client[connection]
            if not of_client:
                del clients[connection.client]

    def _make_room(self) -> bool:
        for phase in _MAKE_ROOM:
            if clients := self._by_client[phase]:
                most = max(clients, key=lambda client: len(clients[client]))
                oldest = next(iter(clients[most]))
                # It ends soon; nothing of it may be chosen again before.
                self.enter(oldest, ConnectionPhase.WORK)
                oldest.end()
                return True
        return False
