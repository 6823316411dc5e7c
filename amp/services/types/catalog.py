"""The asset types as a process knows them: cached, and read again before anything unknown is refused."""

import difflib
import itertools
import threading
from collections import defaultdict
from collections.abc import Mapping

from amp.domain.types import AssetType, FieldType
from amp.errors import StoreUnavailable, TypeNotFound
from amp.ports.clock import Clock
from amp.ports.type_registry import TypeRegistry

#: Keys compared with one that nobody knows, and by how much longer or shorter they may be.
_MAX_COMPARED, _MAX_TYPED_WRONG = 500, 8
#: After a read, nothing unknown causes the next one for this many times as long as the read took, up to a limit.
_PAUSE_FACTOR, _MAX_PAUSE_S = 4.0, 0.2


class TypeCatalog:
    """Versions never change, so they are kept for good; the list of newest versions is at most `refresh_s` old.

    While the registry does not answer, what is known goes on being used. Requests that meet something unknown at the
    same time share one read of the registry, and wait for it if the last read was just now.
    """

    def __init__(self, registry: TypeRegistry, clock: Clock, refresh_s: float) -> None:
        self._registry = registry
        self._clock = clock
        self._refresh_s = refresh_s
        self._lock = threading.Lock()  #: held by the one thread that reads the registry
        self._versions: dict[tuple[str, int], AssetType] = {}
        self._newest: dict[str, AssetType] = {}
        self._kinds: Mapping[str, frozenset[FieldType]] = {}
        self._read_at_s: float | None = None  #: when the last read that was answered began
        self._asked_at_s = float("-inf")  #: when the last read began
        self._took_s = 0.0  #: how long it took
        self._failure: StoreUnavailable | None = None  #: why it was not answered
        self._failed_at_s = float("-inf")  #: when that was known
        self.reads = 0  #: how often the types were read here

    def known(self, name: str) -> AssetType | None:
        """The newest version this process knows of; None: it knows none.

        :raises StoreUnavailable: nothing was ever read here, and the registry does not answer.
        """
        self._keep_fresh()
        return self._newest.get(name)

    def version(self, name: str, version: int) -> AssetType:
        """That version of the type.

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
        """Of all types this process knows."""
        self._keep_fresh()
        return list(self._newest)

    def kinds(self, key: str, since_s: float | None = None) -> frozenset[FieldType]:
        """The field types that a metadata key has over all asset types; empty: no type has the key.

        :param since_s: as of `read_since`, which is called for a key that is not known.
        """
        self._keep_fresh()
        if key not in self._kinds:
            self.read_since(since_s)
        return self._kinds.get(key, frozenset())

    def now_s(self) -> float:
        """What to give as `since_s` for a request that came in now."""
        return self._clock.monotonic_s()

    def closest_key(self, key: str) -> str | None:
        """The known metadata key that `key` was most likely meant to be."""
        wanted = key.lower()
        folded = {known.lower(): known for known in self._kinds if abs(len(known) - len(key)) <= _MAX_TYPED_WRONG}
        if len(folded) > _MAX_COMPARED:
            folded = {name: known for name, known in folded.items() if name[:1] == wanted[:1]}
        close = difflib.get_close_matches(wanted, itertools.islice(folded, _MAX_COMPARED), n=1)
        return folded[close[0]] if close else None

    def refresh(self) -> None:
        """See that the registry was read after this call, by this thread or another.

        :raises StoreUnavailable: it does not answer.
        """
        now_s = self._clock.monotonic_s()
        with self._lock:
            if self._asked_at_s <= now_s:
                self._read()
            else:
                self._raise_failure()

    def read_since(self, since_s: float | None) -> None:
        """See that the registry was read after `since_s` (the clock's monotonic time; None: now), at the latest a
        moment ago, by this thread or another.

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
        """However many requests are refused, reading the registry takes a part of the time only."""
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
            return  # someone else is reading it; what is known here will do
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
