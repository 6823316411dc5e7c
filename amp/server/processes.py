"""The processes of a server under gunicorn's arbiter: one on the embedded set, several on the cluster set."""

import asyncio
import math
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from typing import Any

from gunicorn import arbiter  # type: ignore[import-untyped]  # gunicorn brings no types
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # likewise
from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # likewise
from gunicorn.workers.base import Worker  # type: ignore[import-untyped]  # likewise

from amp.bootstrap import Amp
from amp.metrics import forget_process
from amp.printable import printable
from amp.server.front import Front
from amp.server.http_server import HttpServer
from amp.server.listener import address
from amp.server.messages import limits_of
from amp.server.pools import Pools
from amp.server.predecessor import build_patiently
from amp.settings import Settings
from amp.stop_budget import KILL_AFTER_S, StopBudget
from amp.worker import WorkerThreads

_NOTIFY_S = 1.0
_LOOK_FOR_PARENT_S = 0.2
#: Requests get this share of the time to stop, then the workers inside get it of what is left.
_STEP_SHARE = 0.5
_ASK_TO_STOP = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)


class Processes(BaseApplication):  # type: ignore[misc]  # gunicorn brings no types
    """Builds the service in each process after the fork: neither drivers nor SQLite survive one."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self.settings = settings
        self.amp: Amp | None = None
        self._listener = listener
        self._workers: WorkerThreads | None = None
        #: Of the stop under way.
        self._budget: StopBudget | None = None
        super().__init__()

    def load_config(self) -> None:
        settings = self.settings
        values: dict[str, Any] = {
            "bind": f"fd://{self._listener.detach()}",
            "worker_class": _Worker,
            "workers": settings.processes if settings.profile == "cluster" else 1,
            # Of a process whose event loop does not run any more; a long request is no reason.
            "timeout": 120,
            "graceful_timeout": math.ceil(settings.graceful_stop_s) + KILL_AFTER_S,
            "logger_class": _GunicornLog,
            "control_socket_disable": True,
            "when_ready": self._announce,
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

        amp = self.amp = build_patiently(self.settings)
        if self.settings.profile == "embedded":
            self._workers = WorkerThreads(amp.background, amp.workers)
            self._workers.start()
        return create_app(amp)

    def begin_stop(self) -> None:
        """The time for the whole stop begins; gunicorn kills the process soon after its end."""
        self._budget = StopBudget(self.settings.graceful_stop_s)

    def _announce(self, running: Any) -> None:
        # A closed terminal and Ctrl-C ask for the same graceful stop as SIGTERM; gunicorn alone would reload, or
        # break off the requests.
        for number in (signal.SIGHUP, signal.SIGINT):
            signal.signal(number, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        # gunicorn would change the number of processes (one that is too many cannot open the data folder, and ends
        # the server), or start a second server.
        for number in (signal.SIGTTIN, signal.SIGTTOU, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)
        settings = self.settings
        url = address(settings, running.LISTENERS[0].getsockname()[1])
        print(banner(settings, url), flush=True)  # noqa: T201 - for who starts it

    def _close(self, _arbiter: Any, _worker: Any) -> None:
        amp, self.amp = self.amp, None
        if amp is None:
            return
        budget = self._budget or StopBudget(self.settings.graceful_stop_s)
        if self._workers is not None:
            self._workers.stop(budget.left_s(_STEP_SHARE))
        amp.close(budget)


def banner(settings: Settings, url: str) -> str:
    """One line that says where the server is found."""
    data = f", data in {settings.data_dir.resolve()}" if settings.profile == "embedded" else ""
    return printable(f"AMP serves on {url} ({settings.profile} profile{data})")


class Arbiter(arbiter.Arbiter):  # type: ignore[misc]  # gunicorn brings no types
    """Refuses connections as soon as it stops: children hold the listening socket as well, so that closing it alone
    leaves new clients waiting for an answer that nobody gives."""

    def stop(self, graceful: bool = True) -> None:
        for listener in self.LISTENERS:
            with suppress(OSError):
                listener.sock.shutdown(socket.SHUT_RDWR)
        super().stop(graceful)

    def spawn_worker(self) -> Any:
        # A new process has this one's handlers until it installs its own; a signal in between would be lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ASK_TO_STOP)
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASK_TO_STOP)


class _Worker(Worker):  # type: ignore[misc]  # gunicorn brings no types
    """A process that runs an event loop for its connections, and threads for their requests."""

    def init_signals(self) -> None:
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASK_TO_STOP)

    def run(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        processes: Processes = self.app
        settings = processes.settings
        assert processes.amp is not None
        stop = asyncio.Event()

        def begin_stop() -> None:
            if not stop.is_set():
                processes.begin_stop()
                stop.set()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, begin_stop)
        if not self.alive:
            # The signal came while the service was being built, to gunicorn's own handler.
            begin_stop()
        alive = asyncio.create_task(self._stay_alive())
        pools = Pools(settings)
        server = HttpServer(Front(self.wsgi, pools, processes.amp.metrics), limits_of(settings))
        await server.run(self.sockets[0].sock, stop, settings.graceful_stop_s * _STEP_SHARE)
        pools.close()
        alive.cancel()

    async def _stay_alive(self) -> None:
        while True:
            self.notify()
            await asyncio.sleep(_NOTIFY_S)


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
    for number in (signal.SIGHUP, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(worker.ppid,), name="parent-watch", daemon=True).start()


def _end_with_parent(parent: int) -> None:
    """A killed parent's children would take seconds to finish, in which nobody answers at the port they hold."""
    while os.getppid() == parent:
        time.sleep(_LOOK_FOR_PARENT_S)
    os._exit(1)
