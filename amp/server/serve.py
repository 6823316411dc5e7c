"""Starts the server: listens, tries whether the service can be built, then runs the processes until the stop."""

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
from amp.server.predecessor import build_patiently
from amp.server.processes import Arbiter, Processes
from amp.settings import Settings
from amp.unknown_variables import log_unknown_variables
from amp.worker import check_migrated


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then requests under way finish, and what was published is flushed.

    :raises AmpError: it cannot be served; the message is for the person who starts it.
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
        if os.getpid() == parent:  # children leave through here as well
            clean_up()


def _check(settings: Settings) -> None:
    """Try everything that can fail at the start, in a process of its own, as nothing of it survives a fork.

    :raises AmpError: it failed; the message says why.
    """
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_try, args=(settings, sender))
    child.start()
    sender.close()
    try:
        failure: AmpError | None = receiver.recv()
    except EOFError as e:
        raise AmpError("the service cannot be built; see above") from e
    finally:
        child.join()
    if failure is not None:
        raise failure


def _try(settings: Settings, sender: Any) -> None:
    try:
        amp = build_patiently(settings)
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
    """Removes the folder that they share."""
    folder = Path(tempfile.mkdtemp(prefix="amp-metrics-"))
    share_metrics(folder)
    return lambda: shutil.rmtree(folder)
