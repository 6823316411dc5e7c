"""A connection that is one too many takes the place of one that only waits, of the client that has most of these."""

from typing import cast

from amp.server.connection import Connection, ConnectionPhase
from amp.server.connections import Connections


class Client:
    def __init__(self, client: str) -> None:
        self.client = client
        self.is_ended = False

    def end(self) -> None:
        self.is_ended = True


def admit(connections: Connections, client: Client, phase: ConnectionPhase) -> bool:
    added = cast(Connection, client)
    is_served = connections.add(added)
    connections.enter(added, phase)
    return is_served


def ended(clients: list[Client]) -> list[int]:
    return [number for number, client in enumerate(clients) if client.is_ended]


def test_idle_connections_make_room_before_slow_ones_and_the_longest_first() -> None:
    connections = Connections(3)
    clients = [Client("a"), Client("a"), Client("a")]
    for client, phase in zip(
        clients, (ConnectionPhase.TRANSFER, ConnectionPhase.IDLE, ConnectionPhase.IDLE), strict=True
    ):
        assert admit(connections, client, phase)
    assert admit(connections, Client("b"), ConnectionPhase.WORK)
    assert ended(clients) == [1]


def test_one_client_that_sends_slowly_on_all_connections_keeps_nobody_out() -> None:
    connections = Connections(4)
    patient, greedy = Client("a"), [Client("b") for _ in range(3)]
    assert admit(connections, patient, ConnectionPhase.TRANSFER)
    for client in greedy:
        assert admit(connections, client, ConnectionPhase.TRANSFER)
    assert admit(connections, Client("c"), ConnectionPhase.WORK)
    assert admit(connections, Client("d"), ConnectionPhase.WORK)
    assert ended(greedy) == [0, 1]
    assert not patient.is_ended


def test_a_request_that_is_worked_on_is_not_ended() -> None:
    connections = Connections(1)
    working = Client("a")
    assert admit(connections, working, ConnectionPhase.WORK)
    late = Client("b")
    assert not admit(connections, late, ConnectionPhase.WORK)
    connections.remove(cast(Connection, late))
    connections.remove(cast(Connection, working))
    assert admit(connections, Client("b"), ConnectionPhase.WORK)
    assert not working.is_ended


def test_a_connection_that_goes_on_is_the_youngest_when_it_waits_again() -> None:
    connections = Connections(2)
    clients = [Client("a"), Client("a")]
    for client in clients:
        admit(connections, client, ConnectionPhase.IDLE)
    connections.enter(cast(Connection, clients[0]), ConnectionPhase.WORK)
    connections.enter(cast(Connection, clients[0]), ConnectionPhase.IDLE)
    assert admit(connections, Client("b"), ConnectionPhase.WORK)
    assert ended(clients) == [1]


def test_a_refused_connection_makes_room_first() -> None:
    connections = Connections(3)
    clients = [Client("a"), Client("a"), Client("a")]
    for client, phase in zip(
        clients, (ConnectionPhase.IDLE, ConnectionPhase.TRANSFER, ConnectionPhase.LINGER), strict=True
    ):
        admit(connections, client, phase)
    assert admit(connections, Client("b"), ConnectionPhase.WORK)
    assert ended(clients) == [2]
