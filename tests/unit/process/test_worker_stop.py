"""A worker process ends in the time it has to stop, whatever hangs in it."""

import subprocess
import sys
import time
from textwrap import dedent

_BEFORE = """
    import os, signal, threading
    from concurrent.futures import ThreadPoolExecutor
    from types import SimpleNamespace
    from amp import worker
    from amp.adapters.clock import SystemClock
    from amp.metrics import Metrics
    from amp.services.runtime.consumer import ConsumerLoop
    from amp.services.runtime.threads import BackgroundThreads
    from amp.ports.message_queue import Delivery, Topic
    from amp.settings import Settings

    for_ever = threading.Event()

    def stop_and_hang(*_):
        os.kill(os.getpid(), signal.SIGTERM)
        for_ever.wait()
"""
_AFTER = """
    metrics = Metrics()
    amp = SimpleNamespace(
        settings=settings, workers={"index": loop}, metrics=metrics, close=lambda budget: None,
        background=BackgroundThreads(clock=SystemClock(), metrics=metrics),
        adapters=SimpleNamespace(buckets=SimpleNamespace(load=lambda: "a map")),
    )
    worker.build = lambda _: amp
    worker.run_workers(settings, [])
"""


def _run(loop: str, graceful_stop_s: float) -> tuple[int, float]:
    """The exit code of a worker process with that loop, and how long it ran."""
    settings = f"settings = Settings(profile='cluster', graceful_stop_s={graceful_stop_s})\n"
    code = dedent(_BEFORE) + settings + dedent(loop) + dedent(_AFTER)
    began_s = time.monotonic()
    process = subprocess.run([sys.executable, "-c", code], timeout=30, capture_output=True)
    assert b"Traceback" not in process.stderr, process.stderr.decode()
    return process.returncode, time.monotonic() - began_s


def test_a_batch_that_hangs_keeps_no_worker_from_ending() -> None:
    loop = """
        consumer = SimpleNamespace(
            poll=lambda *_: [Delivery(None, b"", 0)], keep_alive=lambda: None, close=lambda: None
        )
        queue = SimpleNamespace(consume=lambda *_: consumer)
        loop = ConsumerLoop(
            queue=queue, dead_letters=None, clock=SystemClock(), metrics=Metrics(), handle=stop_and_hang,
            topic=Topic.REALTIME, group="index", batch=1,
        ).run
    """
    assert _run(loop, 1.0)[0] == 0


def test_a_thread_that_the_interpreter_waits_for_is_not_waited_for_long() -> None:
    loop = """
        def loop(stop):
            with ThreadPoolExecutor(1) as pool:
                pool.submit(stop_and_hang).result()
    """
    code, took_s = _run(loop, 0.1)
    assert code == 1
    assert took_s < 15
