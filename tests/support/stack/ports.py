"""Free ports on the loopback interface."""

from __future__ import annotations

import random
import socket
from collections.abc import Collection

from tests.support.stack.errors import StackError

HOST = "127.0.0.1"

#: Below the range that systems hand out to outgoing connections, so that a stopped server finds its port free again.
_RANGE = range(20_000, 32_000)


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections of a predecessor that linger in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_ports(count: int, *, taken: Collection[int] = ()) -> list[int]:
    """None of `taken`; at random, so that stacks started at the same moment hardly ever pick the same."""
    found: list[int] = []
    for port in random.sample(_RANGE, k=2_000):
        if len(found) == count:
            return found
        if port not in taken and is_free(port):
            found.append(port)
    raise StackError(f"no {count} free ports between {_RANGE.start} and {_RANGE.stop}")
