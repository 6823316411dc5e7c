"""Real servers for development and tests; see `Stack` and `Server`."""

from tests.stack.errors import NotAllStarted, StackError
from tests.stack.server import Server
from tests.stack.stack import SHARED_FOLDER, Stack
from tests.stack.waiting import wait_until

__all__ = ["SHARED_FOLDER", "NotAllStarted", "Server", "Stack", "StackError", "wait_until"]
