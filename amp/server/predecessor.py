"""Waits for a killed server to release what its successor needs."""

import time
from collections.abc import Callable

import structlog

from amp.bootstrap import Amp
from amp.errors import Busy

_log = structlog.get_logger(__name__)
#: A killed server may leave children, who end soon after it and release port and data folder.
PREDECESSOR_S = 3.0


def patiently(build: Callable[[], Amp]) -> Amp:
    """Build the service, waiting for a killed predecessor to release the data folder.

    :raises Busy: it does not release the folder in time.
    """
    deadline = time.monotonic() + PREDECESSOR_S
    while True:
        try:
            return build()
        except Busy as e:
            if time.monotonic() > deadline:
                raise
            _log.debug("waiting for the data folder", action="data_folder_busy", reason=e.message)
            time.sleep(0.1)
