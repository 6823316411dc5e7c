"""The processes of a server under gunicorn's arbiter: one in the embedded profile, several in the cluster profile."""

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
from amp.server.predecessor import build_when_released
from amp.settings import Settings
from amp.stop_budget import KILL_AFTER_S, StopBudget
from amp.worker import WorkerThreads

_NOTIFY_S = 1.0
_PARENT_CHECK_S = 0.2
#: Requests get this share of the time to stop. The workers inside the process then get the same share of the rest.
_STEP_SHARE = 0.5
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)


class Processes(BaseApplication):  # type: ignore[misc]  # gunicorn brings no types
    """Builds the service in each process after the fork, because neither drivers nor SQLite survive a fork."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self.settings = settings
        self.amp: Amp | None = None
        self._listener = listener
        self._workers: WorkerThreads | None = None
        #: Time budget of the stop in progress; None: no stop has begun.
        self._budget: StopBudget | None = None
        super().__init__()

    def load_config(self) -> None:
        settings = self.settings
        values: dict[str, Any] = {
            "bind": f"fd://{self._listener.detach()}",
            "worker_class": _Worker,
            "workers": settings.processes if settings.profile == "cluster" else 1,
            # Ends a process whose event loop has stopped running. A long request does not trigger it.
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
            # The control socket exists since gunicorn 25.
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        from amp.api.app import create_app

        amp = self.amp = build_when_released(self.settings)
        if self.settings.profile == "embedded":
            self._workers = WorkerThreads(amp.background, amp.workers)
            self._workers.start()
        return create_app(amp)

    def begin_stop(self) -> None:
        """Start the time budget of the stop. When it is used up, gunicorn soon kills the process."""
        self._budget = StopBudget(self.settings.graceful_stop_s)

    def _announce(self, running: Any) -> None:
        # A closed terminal and Ctrl-C request the same graceful stop as SIGTERM. By default, gunicorn would reload or
        # abort the requests.
        for number in (signal.SIGHUP, signal.SIGINT):
            signal.signal(number, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        # gunicorn would change the number of processes, or start a second server. An additional process could not open
        # the data folder and would end the server.
        for number in (signal.SIGTTIN, signal.SIGTTOU, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)
        settings = self.settings
        url = address(settings, running.LISTENERS[0].getsockname()[1])
        print(banner(settings, url), flush=True)  # noqa: T201 - for the person who starts the server

    def _close(self, _arbiter: Any, _worker: Any) -> None:
        amp, self.amp = self.amp, None
        if amp is None:
            return
        budget = self._budget or StopBudget(self.settings.graceful_stop_s)
        if self._workers is not None:
            self._workers.stop(budget.left_s(_STEP_SHARE))
        amp.close(budget)


def banner(settings: Settings, url: str) -> str:
    """Return one line with the URL, the profile and the data folder of the server."""
    data = f", data in {settings.data_dir.resolve()}" if settings.profile == "embedded" else ""
    return printable(f"AMP serves on {url} ({settings.profile} profile{data})")


class Arbiter(arbiter.Arbiter):  # type: ignore[misc]  # gunicorn brings no types
    """Refuses connections as soon as it stops. The children hold the listening socket too. If it were only closed here,
    new clients would wait for a response that never comes.
    """

    def stop(self, graceful: bool = True) -> None:
        for listener in self.LISTENERS:
            with suppress(OSError):
                listener.sock.shutdown(socket.SHUT_RDWR)
        super().stop(graceful)

    def spawn_worker(self) -> Any:
        # A new process has the handlers of this one until it installs its own. A signal in between would be lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)


class _Worker(Worker):  # type: ignore[misc]  # gunicorn brings no types
    """A process that runs an event loop for its connections and threads for their requests."""

    def init_signals(self) -> None:
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)

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
            # The signal arrived while the service was being built, and went to gunicorn's own handler.
            begin_stop()
        heartbeat = asyncio.create_task(self._notify_arbiter())
        pools = Pools(settings)
        server = HttpServer(Front(self.wsgi, pools, processes.amp.metrics), limits_of(settings))
        await server.run(self.sockets[0].sock, stop, settings.graceful_stop_s * _STEP_SHARE)
        pools.close()
        heartbeat.cancel()

    async def _notify_arbiter(self) -> None:
        while True:
            self.notify()
            await asyncio.sleep(_NOTIFY_S)


class _GunicornLog(Logger):  # type: ignore[misc]  # gunicorn brings no types
    """Passes gunicorn's warnings and errors to AMP's logs, and drops its routine messages."""

    def setup(self, cfg: Any) -> None:  # noqa: ARG002 - gunicorn calls it by position
        self.error_log.handlers = []
        self.error_log.propagate = True
        self.error_log.setLevel("WARNING")
        self.access_log.handlers = []
        self.access_log.propagate = False


def _stay_with_parent(worker: Any) -> None:
    # Ctrl-C is sent to the whole process group. The parent turns it into a graceful stop of its children.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGHUP, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(worker.ppid,), name="parent-watch", daemon=True).start()


def _end_with_parent(parent: int) -> None:
    """End this process when its parent is killed. Otherwise the children would take seconds to finish, and meanwhile
    nothing would answer at the port that they hold.
    """
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_S)
    os._exit(1)
