"""Leases in memory. Only one process uses the data folder, so the leases of earlier processes ended with them."""

import threading
import time


class MemoryLeases:
    """Leases whose durations are measured on the monotonic clock, which cannot be set."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Holder and expiry of each lease by name; the expiry is a time of the monotonic clock, in seconds.
        self._leases: dict[str, tuple[str, float]] = {}

    def acquire(self, name: str, holder: str, ttl_s: int) -> bool:
        if ttl_s < 1:
            raise ValueError(f"a lease of {ttl_s} s is too short: the minimum is 1 s")
        with self._lock:
            now_s = time.monotonic()
            current, expires_s = self._leases.get(name, (holder, now_s))
            if current != holder and expires_s > now_s:
                return False
            self._leases = {other: lease for other, lease in self._leases.items() if lease[1] > now_s}
            self._leases[name] = (holder, now_s + ttl_s)
            return True

    def release(self, name: str, holder: str) -> None:
        with self._lock:
            if self._leases.get(name, ("", 0.0))[0] == holder:
                del self._leases[name]
