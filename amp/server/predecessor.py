"""Waits until a killed server has released the resources that its successor needs."""

from collections.abc import Callable
from typing import TypeVar

import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_fixed

from amp.bootstrap import Amp, build
from amp.errors import DataDirLocked
from amp.settings import Settings

T = TypeVar("T")
_log = structlog.get_logger(__name__)
#: How long to wait, in seconds. A killed server may leave child processes, which soon end and release its port and its
#: data folder.
_RELEASE_TIMEOUT_S = 3.0
_PAUSE_S = 0.1


def retry_while_taken(acquire: Callable[[], T], is_taken: Callable[[BaseException], bool]) -> T:
    """Return the result of `acquire`. While it fails with an error for which `is_taken` is true, it is retried for up
    to `_RELEASE_TIMEOUT_S`, after which the error is raised. Any other error is raised at once.
    """
    attempts = Retrying(
        retry=retry_if_exception(is_taken),
        stop=stop_after_delay(_RELEASE_TIMEOUT_S),
        wait=wait_fixed(_PAUSE_S),
        before_sleep=_log_wait,
        reraise=True,
    )
    return attempts(acquire)


def build_when_released(settings: Settings) -> Amp:
    """Build the service as soon as a killed predecessor has released the data folder.

    :raises DataDirLocked: the predecessor does not release the folder in time.
    """
    return retry_while_taken(lambda: build(settings), lambda error: isinstance(error, DataDirLocked))


def _log_wait(state: RetryCallState) -> None:
    reason = "" if state.outcome is None else str(state.outcome.exception())
    _log.debug("waiting for a former server to end", action="waiting_for_predecessor", reason=reason)
