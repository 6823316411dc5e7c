"""A cache of the asset types, read again before anything unknown is refused."""

import difflib
import itertools
import threading
from collections import defaultdict
from collections.abc import Mapping

from amp.domain.types import AssetType, FieldType
from amp.errors import StoreUnavailable, TypeNotFound
from amp.ports.clock import Clock
from amp.ports.type_registry import TypeRegistry

#: Maximum number of keys that are compared with an unknown one, and their maximum difference in length.
_MAX_COMPARED, _MAX_TYPED_WRONG = 500, 8
#: After a read, unknown names cause the next one only after this multiple of its duration, up to a limit.
_PAUSE_FACTOR, _MAX_PAUSE_S = 4.0, 0.2


class TypeCatalog:
    """Caches all asset types. Versions never change, so they are cached without limit. The list of newest versions is
    at most `refresh_s` old.

    While the registry does not answer, the cached types stay in use. Concurrent requests with something unknown share
    one read of the registry, and wait for it if the last read was just now.
    """

    def __init__(self, registry: TypeRegistry, clock: Clock, refresh_s: float) -> None:
        self._registry = registry
        self._clock = clock
        self._refresh_s = refresh_s
        self._lock = threading.Lock()  #: held by the thread that reads the registry
        self._versions: dict[tuple[str, int], AssetType] = {}
        self._newest: dict[str, AssetType] = {}
        self._kinds: Mapping[str, frozenset[FieldType]] = {}
        self._read_at_s: float | None = None  #: when the last successful read began
        self._asked_at_s = float("-inf")  #: when the last read began
        self._took_s = 0.0  #: duration of the last read
        self._failure: StoreUnavailable | None = None  #: why the last read failed
        self._failed_at_s = float("-inf")  #: when the last read failed
        self.reads = 0  #: number of reads by this process

    def known(self, name: str) -> AssetType | None:
        """Return the newest version that this process knows. Return None if it knows none.

        :raises StoreUnavailable: nothing was read yet, and the registry does not answer.
        """
        self._keep_fresh()
        return self._newest.get(name)

    def version(self, name: str, version: int) -> AssetType:
        """Return this version of the type.

        :raises TypeNotFound: there is no such version.
        :raises StoreUnavailable: the registry does not answer, and the version is not known here.
        """
        found = self._versions.get((name, version))
        if found is None:
            found = self._registry.get(name, version)
            if found is None:
                raise TypeNotFound(f"there is no version {version} of asset type {name[:128]!r}")
            self._versions[name, version] = found
        return found

    def names(self) -> list[str]:
        """Return the newest versions of all types that this process knows."""
        self._keep_fresh()
        return list(self._newest)

    def kinds(self, key: str, since_s: float | None = None) -> frozenset[FieldType]:
        """Return the field types that a metadata key has in all asset types. Empty: no type has the key.

        :param since_s: see `read_since`, which is called for an unknown key.
        """
        self._keep_fresh()
        if key not in self._kinds:
            self.read_since(since_s)
        return self._kinds.get(key, frozenset())

    def now_s(self) -> float:
        """Return the `since_s` of a request that arrives now."""
        return self._clock.monotonic_s()

    def closest_key(self, key: str) -> str | None:
        """Return the known metadata key that is most similar to `key`."""
        wanted = key.lower()
        folded = {known.lower(): known for known in self._kinds if abs(len(known) - len(key)) <= _MAX_TYPED_WRONG}
        if len(folded) > _MAX_COMPARED:
            folded = {name: known for name, known in folded.items() if name[:1] == wanted[:1]}
        close = difflib.get_close_matches(wanted, itertools.islice(folded, _MAX_COMPARED), n=1)
        return folded[close[0]] if close else None

    def refresh(self) -> None:
        """Ensure that the registry was read after this call began, by this thread or another.

        :raises StoreUnavailable: it does not answer.
        """
        now_s = self._clock.monotonic_s()
        with self._lock:
            if self._asked_at_s <= now_s:
                self._read()
            else:
                self._raise_failure()

    def read_since(self, since_s: float | None) -> None:
        """Ensure that the registry was read after `since_s` (the clock's monotonic time; None: now), by this thread or
        another.

        :raises StoreUnavailable: it does not answer.
        """
        if since_s is None:
            since_s = self._clock.monotonic_s()
        with self._lock:
            if self._asked_at_s <= since_s:
                self._pause()
                self._read()
            else:
                self._raise_failure()

    def _raise_failure(self) -> None:
        """:raises StoreUnavailable: the last read failed."""
        if self._failure is not None:
            raise StoreUnavailable(*self._failure.args) from self._failure

    def _pause(self) -> None:
        """Wait before the next read of the registry until reads take only a part of the time, even if many requests are
        refused.
        """
        ended_s, pause_s = self._asked_at_s + self._took_s, min(_MAX_PAUSE_S, _PAUSE_FACTOR * self._took_s)
        left_s = ended_s + pause_s - self._clock.monotonic_s()
        if left_s > 0:
            self._clock.sleep(left_s)

    def _read(self) -> None:
        began_s = self._asked_at_s = self._clock.monotonic_s()
        try:
            types = self._registry.newest()
        except StoreUnavailable as e:
            self._failure, self._failed_at_s = e, self._clock.monotonic_s()
            raise
        finally:
            self._took_s = self._clock.monotonic_s() - began_s
        kinds: dict[str, set[FieldType]] = defaultdict(set)
        for asset_type in types:
            self._versions[asset_type.name, asset_type.version] = asset_type
            for key, declared in asset_type.fields.items():
                kinds[key].add(declared.type)
        self._newest = {asset_type.name: asset_type for asset_type in types}
        self._kinds = {key: frozenset(found) for key, found in kinds.items()}
        self._failure = None
        self._read_at_s = began_s
        self.reads += 1

    def _keep_fresh(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._asked_at_s < self._refresh_s and self._read_at_s is not None:
            return
        if not self._lock.acquire(blocking=self._read_at_s is None):
            return  # another thread reads it; the cached types are good enough
        try:
            if self._read_at_s is None and self._failed_at_s > now_s:
                self._raise_failure()
            if now_s - self._asked_at_s >= self._refresh_s or self._read_at_s is None:
                self._read()
        except StoreUnavailable:
            if self._read_at_s is None:
                raise
        finally:
            self._lock.release()
