"""Reports the health of a process: components, background threads, buckets, and work without a worker."""

import threading
from collections.abc import Callable, Container, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import structlog

from amp.domain.health import ComponentHealth
from amp.errors import AmpError
from amp.ports.component import Component
from amp.services.runtime.calls import call_in_thread
from amp.services.runtime.threads import BackgroundThreads, ThreadState

T = TypeVar("T")
_log = structlog.get_logger(__name__)
#: Components themselves time out after at most two seconds where they can, and then say why.
_BOUND_S = 2.5
#: Without this component nothing can be read or written. Without others, AMP works in part.
_VITAL = "store"
#: These are read through components, and are reported among them when that fails.
_BUCKETS, _WORK = "buckets", "work"


@dataclass(frozen=True, slots=True)
class Health:
    """The health of one process and its components."""

    #: Buckets and work are among them if these cannot be read although every component answers.
    components: Sequence[ComponentHealth]
    threads: Sequence[ThreadState]
    buckets: Sequence[ComponentHealth]  #: those that need attention
    work: Sequence[ComponentHealth] = ()  #: work that waits for a worker

    @property
    def usable(self) -> bool:
        """Whether a write would be acknowledged."""
        return all(component.healthy for component in self.components if component.name == _VITAL)

    @property
    def components_answer(self) -> bool:
        return all(component.healthy for component in self.components if component.name not in (_BUCKETS, _WORK))

    @property
    def degraded(self) -> list[str]:
        """The names of everything unhealthy."""
        return [
            *(component.name for component in self.components if not component.healthy),
            *(f"thread {thread.name}" for thread in self.threads if not thread.healthy),
            *(f"bucket {bucket.name}" for bucket in self.buckets if not bucket.healthy),
            *(work.name for work in self.work if not work.healthy),
        ]


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """Pings everything concurrently and answers within a bound, even if something hangs or fails."""

    components: Sequence[Component]
    threads: BackgroundThreads
    #: Returns the buckets that need attention. If it does not answer or raises an `AmpError`, it is reported as
    #: unhealthy itself, unless a component is unhealthy, which explains it.
    buckets: Callable[[], Sequence[ComponentHealth]] = tuple
    #: Returns the work that waits for a worker; likewise.
    work: Callable[[], Sequence[ComponentHealth]] = tuple
    #: What has not answered after this time is unhealthy.
    bound_s: float = _BOUND_S

    @cached_property
    def _pings(self) -> "list[_Question[str]]":
        return [_Question(component.name, component.ping) for component in self.components]

    @cached_property
    def _findings(self) -> "list[_Question[Sequence[ComponentHealth]]]":
        return [_Question(_BUCKETS, self.buckets), _Question(_WORK, self.work)]

    def check(self) -> Health:
        pings, findings = [ping.ask() for ping in self._pings], [find.ask() for find in self._findings]
        everything: list[Future[Any]] = [*pings, *findings]
        answered = wait(everything, self.bound_s).done
        components = []
        for ping, asked in zip(self._pings, pings, strict=True):
            trouble = self._trouble(ping.name, asked, answered)
            components.append(
                ComponentHealth(ping.name, trouble is None, asked.result() if trouble is None else trouble)
            )
        buckets, work = (found.result() if found in answered and not found.exception() else () for found in findings)
        are_healthy = all(component.healthy for component in components)
        for finding, found in zip(self._findings, findings, strict=True):
            is_expected = found not in answered or isinstance(found.exception(), AmpError)
            is_explained = is_expected and not are_healthy
            trouble = self._trouble(finding.name, found, answered)
            if trouble is not None and not is_explained:
                components.append(ComponentHealth(finding.name, False, trouble))
        return Health(components, self.threads.states(), buckets, work)

    def _trouble(self, name: str, asked: Future[Any], answered: Container[Future[Any]]) -> str | None:
        """Return what is wrong, or None. A failure is a state of the component, never one of the health check."""
        if asked not in answered:
            return f"no answer within {self.bound_s:g} s"
        match asked.exception():
            case None:
                return None
            case AmpError() as error:
                return error.message
            case error:
                _log.warning("component failed", action="component_failed", component=name, exc_info=error)
                return repr(error)


class _Question(Generic[T]):
    """A question that is asked in its own thread. While the answer is pending, all callers wait for the same one, so
    that a component that hangs takes only one thread."""

    def __init__(self, name: str, call: Callable[[], T]) -> None:
        self.name = name
        self._call = call
        self._lock = threading.Lock()
        self._asked: Future[T] | None = None

    def ask(self) -> Future[T]:
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = call_in_thread(f"ask-{self.name}", self._call)
            return self._asked
