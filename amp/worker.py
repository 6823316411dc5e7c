"""Runs the loops of workers as background threads of a process."""

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
#: Share of the time for stopping that the workers get. The rest is for delivering the messages they published.
WORKERS_SHARE = 0.75


class WorkerThreads:
    """One background thread per loop. A loop may be killed at any line, so `stop` need not wait until it has ended."""

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
        """Let each loop finish the work in progress. Wait for at most `timeout_s` seconds in total."""
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
    # Signals are blocked before any thread starts, so that no thread handles them and `sigwait` receives them.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    amp = build(settings)
    budget = None
    try:
        unknown = set(kinds) - set(amp.workers)
        if unknown:
            verb = "is not a kind" if len(unknown) == 1 else "are not kinds"
            raise BadSetting(f"{', '.join(sorted(unknown))} {verb} of worker; use {', '.join(amp.workers)}")
        check_migrated(amp)
        loops = {kind: loop for kind, loop in amp.workers.items() if not kinds or kind in kinds}
        _serve_metrics(amp)
        spare_collector()
        threads = WorkerThreads(amp.background, loops)
        threads.start()
        _log.info("workers started", action="workers_started", kinds=sorted(loops), pid=os.getpid())
        signal.sigwait(signals)
        _log.info("workers stopping", action="workers_stopping", kinds=sorted(loops))
        budget = StopBudget(settings.graceful_stop_s)
        _kill_after(budget)
        threads.stop(budget.left_s(WORKERS_SHARE))
    finally:
        amp.close(budget)


def _kill_after(budget: StopBudget) -> None:
    """Kill the process soon after its time for stopping is over. Otherwise the interpreter would wait at exit for the
    threads of drivers, and for any other thread that hangs. A worker may be killed at any line."""

    def kill() -> None:
        time.sleep(budget.left_s() + KILL_AFTER_S)
        _log.warning("workers killed", action="workers_killed", reason="stopping took too long", pid=os.getpid())
        os._exit(1)

    threading.Thread(target=kill, name="kill-after-stop", daemon=True).start()


def spare_collector() -> None:
    """Run the garbage collector less often. Search documents are tens of thousands of small dicts without cycles that
    live for a second. At Python's default thresholds, the collector traverses them again and again, which takes a fifth
    of an index worker's time."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def _serve_metrics(amp: Amp) -> None:
    settings = amp.settings
    if settings.metrics_port:
        try:
            amp.metrics.serve(settings.host, settings.metrics_port)
        except OSError as e:
            address = f"{settings.host}:{settings.metrics_port}"
            raise BadSetting(
                f"cannot listen on {address} ({e.strerror}); set {variable('metrics_port')} to a free port"
            ) from e


def check_migrated(amp: Amp) -> None:
    """Check that the bucket map exists. While the store does not answer, assume that it does.

    :raises NotMigrated: there is no bucket map.
    """
    try:
        bucket_map = amp.adapters.buckets.load()
    except StoreUnavailable as e:
        _log.warning("store unavailable", action="store_unavailable", reason=e.message)
        return
    if bucket_map is None:
        raise NotMigrated


def worker_main(kind: str) -> None:
    """The main function of a process that runs one kind of worker."""
    from amp.errors import AmpError

    try:
        run_workers(load_settings(), [kind])
    except AmpError as e:
        print(f"amp worker: {printable(e.message)}", file=sys.stderr)  # noqa: T201 - the one line for the person who starts it
        sys.exit(1)
