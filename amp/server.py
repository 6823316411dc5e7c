"""Runs the API under gunicorn: threads in one process on the embedded set, several processes on the cluster set."""

import errno
import math
import multiprocessing
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # gunicorn brings no types
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]  # likewise
from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # likewise
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]  # likewise

from amp.bootstrap import Amp, build
from amp.errors import AmpError, BadSetting, Busy
from amp.logs import configure_logging
from amp.metrics import forget_process, share_metrics
from amp.private_files import write_private
from amp.settings import Settings, variable
from amp.worker import WorkerThreads, check_migrated

_log = structlog.get_logger(__name__)
#: A process that was killed may leave children, who end soon after it and give back port and data folder.
_PREDECESSOR_S = 3.0
_LOOK_FOR_PARENT_S = 0.2
#: Names the server that holds a data folder, for commands that want to talk to it.
URL_FILE = "server.url"


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then requests under way finish, and what was published is flushed.

    :raises AmpError: it cannot be served; the message is for the person who starts it.
    """
    configure_logging(settings.log_level)
    listener = _listen(settings)
    _check(settings)
    parent = os.getpid()
    left_behind = _share_metrics() if settings.profile == "cluster" else _leave_address(settings, listener)
    try:
        _Arbiter(_Server(settings, listener)).run()
    finally:
        if os.getpid() == parent:  # children leave through here as well
            shutil.rmtree(left_behind) if left_behind.is_dir() else left_behind.unlink(missing_ok=True)


def address(settings: Settings, port: int) -> str:
    """The URL at which this machine reaches a server with these settings."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn brings no types
    """Builds the service in each process after the fork: neither drivers nor SQLite survive one."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings = settings
        self._listener = listener
        self._amp: Amp | None = None
        self._workers: WorkerThreads | None = None
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        values: dict[str, Any] = {
            "bind": f"fd://{self._listener.detach()}",
            "worker_class": _Worker,
            "workers": settings.processes if settings.profile == "cluster" else 1,
            "threads": settings.threads,
            # Of a process that answers nothing at all any more; a long request is no reason.
            "timeout": 120,
            "graceful_timeout": math.ceil(settings.graceful_stop_s) + 2,
            "keepalive": 75,
            "limit_request_line": 8190,
            "logger_class": _GunicornLog,
            "control_socket_disable": True,
            "when_ready": self._announce,
            "post_fork": self._share_grace,
            "post_worker_init": _stay_with_parent,
            "worker_exit": self._close,
            "child_exit": lambda _server, worker: forget_process(worker.pid),
        }
        for name, value in values.items():
            # The control socket came with gunicorn 25.
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        from amp.api.app import create_app

        amp = self._amp = _patiently(lambda: build(self._settings))
        if self._settings.profile == "embedded":
            self._workers = WorkerThreads(amp.background, amp.workers)
            self._workers.start()
        return create_app(amp)

    def _announce(self, arbiter: Any) -> None:
        # A closed terminal and Ctrl-C ask for the same graceful stop as SIGTERM; gunicorn alone would reload, or
        # break off the requests.
        for number in (signal.SIGHUP, signal.SIGINT):
            signal.signal(number, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        settings = self._settings
        url = address(settings, arbiter.LISTENERS[0].getsockname()[1])
        data = f", data in {settings.data_dir.resolve()}" if settings.profile == "embedded" else ""
        print(f"AMP serves on {url} ({settings.profile} profile{data})", flush=True)  # noqa: T201 - for who starts it

    def _share_grace(self, _arbiter: Any, worker: Any) -> None:
        """Half of the time is for requests, half for what comes after them."""
        worker.cfg.set("graceful_timeout", math.ceil(self._settings.graceful_stop_s / 2))

    def _close(self, _arbiter: Any, _worker: Any) -> None:
        amp, self._amp = self._amp, None
        if amp is None:
            return
        if self._workers is not None:
            self._workers.stop(self._settings.graceful_stop_s / 4)
        amp.close()


class _Arbiter(Arbiter):  # type: ignore[misc]  # gunicorn brings no types
    """Refuses connections as soon as it stops: children hold the listening socket as well, so that closing it alone
    leaves new clients waiting for an answer that nobody gives."""

    def stop(self, graceful: bool = True) -> None:
        for listener in self.LISTENERS:
            with suppress(OSError):
                listener.sock.shutdown(socket.SHUT_RDWR)
        super().stop(graceful)


class _Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn brings no types
    """Takes no offence at a listening socket that its parent has shut down: it is told to stop in a moment."""

    def accept(self, listener: Any) -> None:
        try:
            super().accept(listener)
        except OSError as e:
            if e.errno != errno.EINVAL:
                raise


class _GunicornLog(Logger):  # type: ignore[misc]  # gunicorn brings no types
    """Through our own logs; what gunicorn says of its everyday life is left out."""

    def setup(self, cfg: Any) -> None:  # noqa: ARG002 - gunicorn calls it by position
        self.error_log.handlers = []
        self.error_log.propagate = True
        self.error_log.setLevel("WARNING")
        self.access_log.handlers = []
        self.access_log.propagate = False


def _stay_with_parent(worker: Any) -> None:
    # Ctrl-C goes to the whole group; the parent passes a graceful stop on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(worker.ppid,), name="parent-watch", daemon=True).start()


def _end_with_parent(parent: int) -> None:
    """A killed parent's children would take seconds to finish, in which nobody answers at the port they hold."""
    while os.getppid() == parent:
        time.sleep(_LOOK_FOR_PARENT_S)
    os._exit(1)


def _listen(settings: Settings) -> socket.socket:
    """:raises BadSetting: the address is in use, or none of this machine."""
    where = f"{settings.host}:{settings.port}"
    variables = f"{variable('host')} or {variable('port')}"
    deadline = time.monotonic() + _PREDECESSOR_S
    while True:
        try:
            family, *_, found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
            return socket.create_server(found, family=family, backlog=2048)
        except OSError as e:
            if e.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                reason = str(e.strerror).partition(" (")[0]
                raise BadSetting(f"cannot listen on {where}: {reason}; set {variables}") from e
            time.sleep(0.1)


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
        amp = _patiently(lambda: build(settings))
        try:
            if settings.profile == "embedded":
                amp.migrate.run()
            else:
                check_migrated(amp)
        finally:
            amp.close()
    except AmpError as e:
        sender.send(type(e)(e.message))
    else:
        sender.send(None)


def _patiently(build_: Callable[[], Amp]) -> Amp:
    deadline = time.monotonic() + _PREDECESSOR_S
    while True:
        try:
            return build_()
        except Busy as e:
            if time.monotonic() > deadline:
                raise
            _log.debug("waiting for the data folder", action="data_folder_busy", reason=e.message)
            time.sleep(0.1)


def _share_metrics() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="amp-metrics-"))
    share_metrics(folder)
    return folder


def _leave_address(settings: Settings, listener: socket.socket) -> Path:
    file = settings.data_dir / URL_FILE
    write_private(file, address(settings, listener.getsockname()[1]))
    return file
