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


class TypeCatalog:
    """Versions never change, so they are kept for good; the list of newest versions is at most `refresh_s` old.

    While the registry does not answer, what is known goes on being used.
    """

    def __init__(self, registry: TypeRegistry, clock: Clock, refresh_s: float) -> None:
        self._registry = registry
        self._clock = clock
        self._refresh_s = refresh_s
        self._lock = threading.Lock()
        self._versions: dict[tuple[str, int], AssetType] = {}
        self._newest: dict[str, AssetType] = {}
        self._kinds: Mapping[str, frozenset[FieldType]] = {}
        self._read_at_s: float | None = None
        self._asked_at_s = float("-inf")  #: like `_read_at_s`, but also when there was no answer

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

    def kinds(self, key: str) -> frozenset[FieldType]:
        """The field types that a metadata key has over all asset types; empty: no type has the key."""
        self._keep_fresh()
        if key not in self._kinds:
            self.refresh()
        return self._kinds.get(key, frozenset())

    def closest_key(self, key: str) -> str | None:
        """The known metadata key that `key` was most likely meant to be."""
        wanted = key.lower()
        folded = {known.lower(): known for known in self._kinds if abs(len(known) - len(key)) <= _MAX_TYPED_WRONG}
        if len(folded) > _MAX_COMPARED:
            folded = {name: known for name, known in folded.items() if name[:1] == wanted[:1]}
        close = difflib.get_close_matches(wanted, itertools.islice(folded, _MAX_COMPARED), n=1)
        return folded[close[0]] if close else None

    def refresh(self) -> None:
        """Read the registry now.

        :raises StoreUnavailable: it does not answer.
        """
        began_s = self._clock.monotonic_s()
        types = self._registry.newest()
        kinds: dict[str, set[FieldType]] = defaultdict(set)
        for asset_type in types:
            self._versions[asset_type.name, asset_type.version] = asset_type
            for key, declared in asset_type.fields.items():
                kinds[key].add(declared.type)
        self._newest = {asset_type.name: asset_type for asset_type in types}
        self._kinds = {key: frozenset(found) for key, found in kinds.items()}
        self._read_at_s = self._asked_at_s = began_s

    def refresh_unless_read_since(self, moment_s: float | None) -> bool:
        """Read the registry now, unless that was done after `moment_s` (monotonic; None: now). Whether it was read.

        :raises StoreUnavailable: it does not answer.
        """
        if moment_s is not None and self._read_at_s is not None and self._read_at_s > moment_s:
            return False
        self.refresh()
        return True

    def _keep_fresh(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._asked_at_s < self._refresh_s and self._read_at_s is not None:
            return
        if not self._lock.acquire(blocking=self._read_at_s is None):
            return  # someone else is reading it; what is known here will do
        try:
            if now_s - self._asked_at_s >= self._refresh_s or self._read_at_s is None:
                self._asked_at_s = now_s
                self.refresh()
        except StoreUnavailable:
            if self._read_at_s is None:
                raise
        finally:
            self._lock.release()
