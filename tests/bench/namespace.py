"""Names of its own on the running servers, which are gone with what they hold afterwards."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.stack import SHARED_FOLDER, Stack
from tests.support.stack.keyspaces import Keyspaces
from tests.support.stack.namespace import Namespace


@contextmanager
def namespace() -> Iterator[dict[str, str]]:
    """The settings `AMP_…`, of processes beside this one, too; servers that the environment names come first."""
    stack, names = Stack(SHARED_FOLDER, environ=os.environ), Namespace.unique()
    try:
        yield {"AMP_PROFILE": "cluster", "AMP_LOG_LEVEL": "warning", **stack.addresses, **names.settings}
    finally:
        names.remove_from(stack)
        Keyspaces(stack.cassandra).remove([names.keyspace])
