"""Retries: the only place that decides how often and after which pauses a call is retried."""

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog
from tenacity import (
    RetryCallState,
    RetryError,
    Retrying,
    TryAgain,
    retry_if_exception,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    stop_before_delay,
    stop_when_event_set,
)

from amp.errors import Retryable
from amp.ports.clock import Clock

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")


class Stopped(Exception):
    """The worker had to stop before everything was done."""


def jittered(pause_s: float) -> float:
    """Return a pause up to a fifth shorter or longer, so that processes that began together drift apart."""
    return pause_s * random.uniform(0.8, 1.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses between attempts. The bound doubles from `first_s` up to `max_s`, and a pause is drawn from its upper
    half, so that callers that failed together do not retry together."""

    first_s: float = 0.05
    max_s: float = 5.0

    def pause_s(self, failures: int) -> float:
        """Return the pause after this number of failures in a row (at least 1), in seconds."""
        # The exponent is bounded because floats are.
        bound_s: float = min(self.first_s * 2 ** min(failures - 1, 32), self.max_s)
        return bound_s * random.uniform(0.5, 1.0)

    def __call__(self, state: RetryCallState) -> float:
        return self.pause_s(state.attempt_number)


_DEFAULT = Backoff()


def retry_until_stopped(call: Callable[[], _T], stop: threading.Event, what: str, backoff: Backoff = _DEFAULT) -> _T:
    """Call until it succeeds. `Retryable` errors are logged and retried; all others are raised.

    :param what: names the work in the log, as in "index retrying".
    :raises Stopped: `stop` was set first.
    """

    def log(state: RetryCallState) -> None:
        reason = "" if state.outcome is None else str(state.outcome.exception())
        _log.warning(f"{what} retrying", action=f"{what}_retrying", attempts=state.attempt_number, reason=reason)

    return _until_stopped(stop, call, retry=retry_if_exception_type(Retryable), wait=backoff, before_sleep=log)


def retry_rest(
    attempt: Callable[[Sequence[_T]], Sequence[_T]],
    items: Sequence[_T],
    stop: threading.Event,
    backoff: Backoff = _DEFAULT,
) -> None:
    """Call `attempt` with the items, and after a pause with those that it returns as not done yet, until none is left.

    :raises Stopped: `stop` was set first.
    """
    rest = items

    def attempt_rest() -> bool:
        nonlocal rest
        rest = attempt(rest)
        return bool(rest)

    if rest:
        _until_stopped(stop, attempt_rest, retry=retry_if_result(bool), wait=backoff)


def attempts(clock: Clock, limit: int, backoff: Backoff = _DEFAULT) -> Retrying:
    """Return at most `limit` attempts: `for attempt in attempts(…): with attempt: …`. Raise `tenacity.TryAgain` for the
    next one. After the last, `tenacity.RetryError` is raised; other errors are raised unchanged.
    """
    return Retrying(
        retry=retry_if_exception_type(TryAgain), wait=backoff, stop=stop_after_attempt(limit), sleep=clock.sleep
    )


def retry_briefly(
    call: Callable[[], _T],
    may_pass: Callable[[BaseException], bool],
    *,
    limit: int,
    within_s: float = float("inf"),
    backoff: Backoff = _DEFAULT,
) -> _T:
    """Call until it succeeds, at most `limit` times and for at most `within_s` seconds. Then the last error is raised.
    An error that `may_pass` denies is raised at once."""
    stop = stop_after_attempt(limit) | stop_before_delay(within_s)
    return Retrying(retry=retry_if_exception(may_pass), wait=backoff, stop=stop, reraise=True)(call)


def _until_stopped(stop: threading.Event, call: Callable[[], _T], **policy: object) -> _T:
    def sleep(seconds: float) -> None:
        # Unlike tenacity's `sleep_using_event`, no further attempt is made once the event is set.
        if stop.wait(seconds):
            raise Stopped

    try:
        return Retrying(stop=stop_when_event_set(stop), sleep=sleep, **policy)(call)  # type: ignore[arg-type]
    except RetryError as e:
        raise Stopped from e
