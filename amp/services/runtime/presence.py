"""Tracks which kinds of workers run in any process: each worker announces itself in the cache while it runs."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from amp.domain.worker_kinds import WorkerKind
from amp.errors import CacheUnavailable
from amp.ports.background import Background
from amp.ports.cache import Cache
from amp.services.runtime.polling import PollingLoop
from amp.services.runtime.retry import Backoff

#: How long a killed worker counts as running, in seconds.
_TTL_S = 15
_EVERY_S = 5.0
_RUNS = b"runs"
_BACKOFF = Backoff(first_s=1.0, max_s=_EVERY_S)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class WorkerPresence:
    """Announces running workers in the cache, and reports them. Processes know of each other only through the cache.
    Without it, running workers are unknown.
    """

    cache: Cache
    background: Background
    #: Why workers of this process have stopped, by kind.
    _stopped: dict[str, str] = field(default_factory=dict, init=False)

    def report_stopped(self, kind: str, reason: str | None) -> None:
        """Announce why the worker of this kind has stopped processing although it runs, or, if `reason` is None, that
        it continues. Other processes see this within seconds.
        """
        if reason is None:
            self._stopped.pop(kind, None)
        else:
            self._stopped[kind] = reason

    def stopped(self) -> Mapping[str, str]:
        """Return the kinds of which a worker runs but has stopped processing, with the reason. The result is empty if
        the cache does not answer. Of several workers of a kind, the last report counts.
        """
        try:
            found = {kind: self.cache.get(_key(kind)) for kind in WorkerKind}
        except CacheUnavailable:
            return {}
        return {kind: value.decode() for kind, value in found.items() if value is not None and value != _RUNS}

    def announced(self, kind: str, loop: Callable[[threading.Event], None]) -> Callable[[threading.Event], None]:
        """Return the loop of a worker, wrapped so that it announces the worker while it runs."""

        def run(stop: threading.Event) -> None:
            with self._announcing(kind):
                loop(stop)

        return run

    def running(self) -> frozenset[str] | None:
        """Return the kinds of which at least one worker runs. Return None if the cache does not answer."""
        try:
            return frozenset(kind for kind in WorkerKind if self.cache.get(_key(kind)) is not None)
        except CacheUnavailable:
            return None

    def missing(self, *kinds: str) -> tuple[str, ...]:
        """Return those of `kinds` of which no worker is known to run; empty if that is unknown."""
        running = self.running()
        return () if running is None else tuple(kind for kind in kinds if kind not in running)

    @contextmanager
    def _announcing(self, kind: str) -> Iterator[None]:
        done = threading.Event()

        is_known = True

        def announce(_: threading.Event) -> float:
            nonlocal is_known
            try:
                self.cache.put(_key(kind), self._stopped.get(kind, "").encode() or _RUNS, _TTL_S)
                is_known = True
            except CacheUnavailable as e:
                if is_known:
                    _log.info("could not announce worker", action="presence_not_announced", kind=kind, reason=str(e))
                is_known = False
            return _EVERY_S

        loop = PollingLoop(name=f"{kind}_presence", step=announce, backoff=_BACKOFF)
        announcer = self.background.start(f"{kind} presence", loop.run, done)
        try:
            yield
        finally:
            done.set()
            announcer.join()


def _key(kind: str) -> str:
    return f"worker:{kind}"
