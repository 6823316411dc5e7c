"""A cache in the memory of the process."""

import threading
import time

#: Maximum number of entries, more than the service ever stores. Beyond it, the oldest entry is removed.
_MAX_ENTRIES = 10_000


class MemoryCache:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, tuple[bytes, float]] = {}

    def get(self, key: str) -> bytes | None:
        with self._lock:
            value, expires_s = self._entries.get(key, (None, 0.0))
            return value if time.monotonic() < expires_s else None

    def put(self, key: str, value: bytes, ttl_s: int) -> None:
        with self._lock:
            self._entries.pop(key, None)
            self._entries[key] = (value, time.monotonic() + ttl_s)
            if len(self._entries) > _MAX_ENTRIES:
                del self._entries[next(iter(self._entries))]
