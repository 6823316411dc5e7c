"""A worker that fails is started again; one that is told to stop stops."""

import threading

from amp.worker import WorkerThreads, supervise

_DEADLINE_S = 30


def test_a_loop_that_raises_is_started_again() -> None:
    stop = threading.Event()
    runs = []

    def loop(stopped: threading.Event) -> None:
        runs.append(len(runs))
        if len(runs) < 4:
            raise RuntimeError("broken")
        stopped.set()

    supervise("test", loop, stop, first_pause_s=0.001)
    assert len(runs) == 4


def test_a_pause_after_a_failure_ends_when_told_to_stop() -> None:
    stop = threading.Event()
    failed = threading.Event()

    def loop(_: threading.Event) -> None:
        failed.set()
        raise RuntimeError("broken")

    thread = threading.Thread(target=supervise, args=("test", loop, stop, 1_000.0))
    thread.start()
    assert failed.wait(_DEADLINE_S)
    stop.set()
    thread.join(_DEADLINE_S)
    assert not thread.is_alive()


def test_all_loops_run_and_finish_what_is_under_way_when_told_to_stop() -> None:
    started = threading.Barrier(3, timeout=_DEADLINE_S)
    finished = []

    def loop(stop: threading.Event) -> None:
        started.wait()
        stop.wait(_DEADLINE_S)
        finished.append(threading.current_thread().name)

    workers = WorkerThreads({"one": loop, "two": loop})
    workers.start()
    started.wait()
    workers.stop(_DEADLINE_S)
    assert sorted(finished) == ["worker-one", "worker-two"]
