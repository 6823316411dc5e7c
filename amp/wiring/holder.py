"""The name under which a part of a process holds its leases."""

import os
import secrets
import socket


def new_holder() -> str:
    """Return a name that no other holder of leases has, in this process or any other."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
