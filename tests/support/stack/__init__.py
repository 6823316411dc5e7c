"""Real servers for development and tests; see `Stack` and `Server`."""

from tests.support.stack.errors import NotAllStarted, StackError
from tests.support.stack.server import Server
from tests.support.stack.stack import SHARED_FOLDER, Stack
from tests.support.stack.waiting import wait_until

__all__ = ["SHARED_FOLDER", "NotAllStarted", "Server", "Stack", "StackError", "wait_until"]
