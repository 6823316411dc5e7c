"""The name under which a process takes leases."""

import os
import secrets
import socket


def new_holder() -> str:
    """Names one user of leases among those of all processes."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
