"""Waits for a killed server to release what its successor needs."""

from collections.abc import Callable
from typing import TypeVar

import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_fixed

from amp.bootstrap import Amp, build
from amp.errors import DataDirLocked
from amp.settings import Settings

T = TypeVar("T")
_log = structlog.get_logger(__name__)
#: A killed server may leave children, who end soon after it and release port and data folder.
_PREDECESSOR_S = 3.0
_PAUSE_S = 0.1


def patiently(take: Callable[[], T], is_taken: Callable[[BaseException], bool]) -> T:
    """The result of `take`, which is tried again for a while as long as it fails with an error that `is_taken`
    recognises. After that the error is raised, as any other is at once."""
    attempts = Retrying(
        retry=retry_if_exception(is_taken),
        stop=stop_after_delay(_PREDECESSOR_S),
        wait=wait_fixed(_PAUSE_S),
        before_sleep=_log_wait,
        reraise=True,
    )
    return attempts(take)


def build_patiently(settings: Settings) -> Amp:
    """The service, as soon as a killed predecessor has released the data folder.

    :raises Busy: it does not release it in time.
    """
    return patiently(lambda: build(settings), lambda error: isinstance(error, DataDirLocked))


def _log_wait(state: RetryCallState) -> None:
    reason = "" if state.outcome is None else str(state.outcome.exception())
    _log.debug("waiting for a former server to end", action="predecessor_waited_for", reason=reason)
