"""Starts the server: listens, checks that the service can be built, and runs the processes until the stop."""

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amp.errors import AmpError
from amp.logs import configure_logging
from amp.metrics import share_metrics
from amp.server.listener import leave_address, listen
from amp.server.predecessor import build_when_released
from amp.server.processes import Arbiter, Processes
from amp.settings import Settings
from amp.unknown_variables import log_unknown_variables
from amp.worker import check_migrated


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Then finish the requests in progress and flush published messages.

    :raises AmpError: the server cannot start. The message is for the person who starts it.
    """
    configure_logging(settings.log_level)
    log_unknown_variables()
    listener = listen(settings)
    _check(settings)
    parent = os.getpid()
    clean_up = _share_metrics() if settings.profile == "cluster" else leave_address(settings, listener).remove
    try:
        Arbiter(Processes(settings, listener)).run()
    finally:
        if os.getpid() == parent:  # the children return through here as well
            clean_up()


def _check(settings: Settings) -> None:
    """Try everything that can fail at the start. This runs in a separate process, because nothing of the service
    survives a fork.

    :raises AmpError: the service cannot be built. The message says why.
    """
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_try, args=(settings, sender))
    child.start()
    sender.close()
    try:
        failure: AmpError | None = receiver.recv()
    except EOFError as e:
        raise AmpError("the service cannot be built; the reason is in the output above") from e
    finally:
        child.join()
    if failure is not None:
        raise failure


def _try(settings: Settings, sender: Any) -> None:
    try:
        amp = build_when_released(settings)
        try:
            if settings.profile == "embedded":
                amp.system.migration.run()
            else:
                check_migrated(amp)
        finally:
            amp.close()
    except AmpError as e:
        sender.send(type(e)(e.message))
    else:
        sender.send(None)


def _share_metrics() -> Callable[[], None]:
    """Let the processes share metrics through a folder. Return a function that removes the folder."""
    folder = Path(tempfile.mkdtemp(prefix="amp-metrics-"))
    share_metrics(folder)
    return lambda: shutil.rmtree(folder)
