"""Runs one call in a thread that never keeps the process from exiting."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def call_in_thread(name: str, call: Callable[[], T]) -> Future[T]:
    """Start `call` in its own daemon thread; the future gets its result or its exception.

    The interpreter waits at its exit for the threads of a `ThreadPoolExecutor`, however long they hang.
    """
    future: Future[T] = Future()
    try:
        threading.Thread(target=_run, args=(future, call), name=name, daemon=True).start()
    except RuntimeError as e:  # the process may have no more threads
        future.set_exception(e)
    return future


def _run(future: Future[T], call: Callable[[], T]) -> None:
    try:
        result = call()
    except BaseException as e:  # noqa: BLE001 - the thread that waits for the future must receive it
        future.set_exception(e)
    else:
        future.set_result(result)
