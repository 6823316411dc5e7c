"""Runs the workers' loops as background threads of a process."""

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence

import structlog

from amp.bootstrap import Amp, build
from amp.errors import BadSetting, NotMigrated, StoreUnavailable
from amp.logs import configure_logging
from amp.ports.background import Background, Loop
from amp.printable import printable
from amp.settings import Settings, load_settings, variable
from amp.stop_budget import KILL_AFTER_S, StopBudget
from amp.unknown_variables import log_unknown_variables

_log = structlog.get_logger(__name__)
#: Of the time to stop; the rest is for what they published.
WORKERS_SHARE = 0.75


class WorkerThreads:
    """One background thread for each loop. Being killed at any line is safe, so nothing waits for them longer than
    the caller says."""

    def __init__(self, background: Background, loops: Mapping[str, Loop]) -> None:
        self._background = background
        self._loops = loops
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self._threads = [
            self._background.start(f"worker-{kind}", loop, self._stop) for kind, loop in self._loops.items()
        ]

    def stop(self, timeout_s: float) -> None:
        """Let each finish what is under way; `timeout_s` is for all of them together."""
        self._stop.set()
        budget = StopBudget(timeout_s)
        for thread in self._threads:
            thread.join(budget.left_s())


def run_workers(settings: Settings, kinds: Sequence[str]) -> None:
    """Run these kinds of workers until SIGTERM or SIGINT, then let them finish and commit. Without `kinds`, run all.

    :raises BadSetting: the embedded profile has no worker processes, a kind is unknown, or the metrics port is in use.
    :raises NotMigrated: there is no bucket map.
    """
    if settings.profile == "embedded":
        raise BadSetting("the embedded profile has no worker processes; `amp serve` runs the workers itself")
    configure_logging(settings.log_level)
    log_unknown_variables()
    # Blocked before any thread starts, so that they wait for `sigwait` wherever they arrive.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    amp = build(settings)
    budget = None
    try:
        unknown = set(kinds) - set(amp.workers)
        if unknown:
            raise BadSetting(f"there is no worker {', '.join(sorted(unknown))}; there are {', '.join(amp.workers)}")
        check_migrated(amp)
        loops = {kind: loop for kind, loop in amp.workers.items() if not kinds or kind in kinds}
        _show_metrics(amp)
        spare_collector()
        threads = WorkerThreads(amp.background, loops)
        threads.start()
        _log.info("workers run", action="workers_started", kinds=sorted(loops), pid=os.getpid())
        signal.sigwait(signals)
        _log.info("workers stop", action="workers_stopping", kinds=sorted(loops))
        budget = StopBudget(settings.graceful_stop_s)
        _kill_after(budget)
        threads.stop(budget.left_s(WORKERS_SHARE))
    finally:
        amp.close(budget)


def _kill_after(budget: StopBudget) -> None:
    """End the process soon after its time to stop is over: the interpreter waits at its exit for threads of drivers,
    and for whatever else hangs. It is safe to be killed at any line."""

    def kill() -> None:
        time.sleep(budget.left_s() + KILL_AFTER_S)
        _log.warning("the stop took too long", action="workers_killed", pid=os.getpid())
        os._exit(1)

    threading.Thread(target=kill, name="kill-after-stop", daemon=True).start()


def spare_collector() -> None:
    """Search documents are tens of thousands of small dicts without cycles that live for a second; at Python's default
    thresholds the collector walks them over and over, for a fifth of an index worker's time."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def _show_metrics(amp: Amp) -> None:
    settings = amp.settings
    if settings.metrics_port:
        try:
            amp.metrics.serve(settings.host, settings.metrics_port)
        except OSError as e:
            where = f"{settings.host}:{settings.metrics_port}"
            raise BadSetting(f"{where} cannot be listened on ({e.strerror}); set {variable('metrics_port')}") from e


def check_migrated(amp: Amp) -> None:
    """:raises NotMigrated: there is no bucket map. While the store does not answer, it is taken to be there."""
    try:
        found = amp.adapters.buckets.load()
    except StoreUnavailable as e:
        _log.warning("store does not answer yet", action="store_unavailable", reason=e.message)
        return
    if found is None:
        raise NotMigrated


def worker_main(kind: str) -> None:
    """The main function of a process that runs one kind of worker."""
    from amp.errors import AmpError

    try:
        run_workers(load_settings(), [kind])
    except AmpError as e:
        print(f"amp worker: {printable(e.message)}", file=sys.stderr)  # noqa: T201 - the one line a person starting it sees
        sys.exit(1)
