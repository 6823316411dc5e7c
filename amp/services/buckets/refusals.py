"""Tracks which buckets refuse writes, in this process and, through the cache, in others."""

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import structlog

from amp.domain.buckets import index_of
from amp.errors import CacheUnavailable
from amp.ports.cache import Cache
from amp.ports.clock import Clock
from amp.ports.search_index import PutResult, WriteStatus

_log = structlog.get_logger(__name__)
_CACHE_KEY = "refusing-buckets"
#: A bucket counts as refusing after it has refused all writes for this time, in seconds.
REFUSES_AFTER_S = 5.0
#: Interval at which a refusing bucket is tried again, in seconds.
PROBE_S = 5.0
#: A refusal this long ago says nothing about the next write, in seconds.
_FORGET_S = 60.0
#: How long a process's report of a bucket is valid, in seconds.
_REPORT_TTL_S = 20.0


@dataclass(slots=True)
class _Refusal:
    since_s: float
    last_s: float


@dataclass(frozen=True, kw_only=True)
class RefusingBuckets:
    """Remembers which indices refuse writes. Writers report the results of their writes to each index. It is
    thread-safe.
    """

    cache: Cache
    clock: Clock
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _refusals: dict[str, _Refusal] = field(default_factory=dict, init=False)

    def note(self, answers: Iterable[tuple[str, PutResult]]) -> None:
        """Record the results of one request, each with its index. An index that accepts a part of the writes is
        overloaded; one that accepts none refuses writes.
        """
        refused: dict[str, str] = {}
        accepted: set[str] = set()
        for index, result in answers:
            if result.status is WriteStatus.BUSY and result.answered:
                refused[index] = result.reason
            elif result.status in (WriteStatus.DONE, WriteStatus.SUPERSEDED):
                accepted.add(index)
        for index in accepted:
            self.accepted(index)
        for index in refused.keys() - accepted:
            self.refused(index, refused[index])

    def accepted(self, index: str) -> None:
        """Record that the index has accepted a write."""
        with self._lock:
            self._refusals.pop(index, None)

    def refused(self, index: str, reason: str) -> None:
        """Record that the index has refused every write of a request."""
        now_s = self.clock.monotonic_s()
        with self._lock:
            refusal = self._refusals.get(index)
            if refusal is None or now_s - refusal.last_s > _FORGET_S:
                refusal = self._refusals[index] = _Refusal(now_s, now_s)
            refusal.last_s = now_s
            refuses = now_s - refusal.since_s >= REFUSES_AFTER_S
        if refuses:
            self._report(index, reason)

    def all_accept(self) -> bool:
        """Return whether no index has refused writes recently. This is faster than calling `refuses` for each."""
        if not self._refusals:
            return True
        # Nobody asks for an index that was dropped, so its refusal is removed here.
        now_s = self.clock.monotonic_s()
        with self._lock:
            for index in [i for i, refusal in self._refusals.items() if now_s - refusal.last_s > _FORGET_S]:
                del self._refusals[index]
            return not self._refusals

    def refuses(self, index: str) -> bool:
        """Return whether writes to the index should not be tried now, because it refuses them and was tried a moment
        ago.
        """
        now_s = self.clock.monotonic_s()
        with self._lock:
            refusal = self._refusals.get(index)
            return (
                refusal is not None
                and refusal.last_s - refusal.since_s >= REFUSES_AFTER_S
                and now_s - refusal.last_s < PROBE_S
            )

    def refuses_any(self, aliases: Iterable[str]) -> bool:
        """Return whether `refuses` holds for an index that one of these write aliases leads to."""
        return any(self.refuses(index_of(alias)) for alias in aliases)

    def reported(self) -> Mapping[str, str]:
        """Return the indices that any process has recently found to refuse writes, with the reason. Processes report
        them through the cache, so the result is empty if the cache does not answer.
        """
        now_ms = self.clock.now_ms()
        return {
            index: reason
            for index, (reason, at_ms) in self._read_reports().items()
            if abs(now_ms - at_ms) < _REPORT_TTL_S * 1000
        }

    def _report(self, index: str, reason: str) -> None:
        # If another process reports at the same moment, one report is lost. The next refusal repeats it.
        now_ms = self.clock.now_ms()
        reports = {
            i: [r, at_ms]
            for i, (r, at_ms) in self._read_reports().items()
            if abs(now_ms - at_ms) < _REPORT_TTL_S * 1000
        }
        reports[index] = [reason, now_ms]
        _log.warning("bucket refuses writes", action="bucket_refuses", index=index, reason=reason)
        try:
            self.cache.put(_CACHE_KEY, json.dumps(reports).encode(), int(_REPORT_TTL_S))
        except CacheUnavailable as e:
            _log.info("could not report refusing bucket", action="refusal_not_reported", reason=str(e))

    def _read_reports(self) -> dict[str, tuple[str, int]]:
        try:
            cached = self.cache.get(_CACHE_KEY)
            return {} if cached is None else {i: (str(r), int(at)) for i, (r, at) in json.loads(cached).items()}
        except (CacheUnavailable, ValueError, TypeError, AttributeError):
            return {}
