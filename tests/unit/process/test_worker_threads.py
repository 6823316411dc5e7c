"""Workers run beside each other and finish what is under way when they are stopped."""

import threading

from amp.worker import WorkerThreads
from tests.support.background import background_threads

_DEADLINE_S = 30


def test_all_loops_run_and_finish_what_is_under_way_when_stopped() -> None:
    started = threading.Barrier(3, timeout=_DEADLINE_S)
    finished = []

    def loop(stop: threading.Event) -> None:
        started.wait()
        stop.wait(_DEADLINE_S)
        finished.append(threading.current_thread().name)

    workers = WorkerThreads(background_threads(), {"one": loop, "two": loop})
    workers.start()
    started.wait()
    workers.stop(_DEADLINE_S)
    assert sorted(finished) == ["worker-one", "worker-two"]
