"""The registry of asset types and all their versions."""

from typing import Protocol

from amp.domain.types import AssetType


class TypeRegistry(Protocol):
    """Versions are immutable once added."""

    def add(self, asset_type: AssetType) -> bool:
        """Add a version. False, and nothing added, unless it is exactly one past the newest of that name (1: there is
        none); of concurrent adders of one version exactly one gets True.

        :raises StoreUnavailable: the store does not answer; it is unknown whether it was added.
        """
        ...

    def get(self, name: str, version: int | None = None) -> AssetType | None:
        """That version, or the newest with None; None if there is none.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def newest(self) -> list[AssetType]:
        """The newest version of every type, by name.

        :raises StoreUnavailable: the store does not answer.
        """
        ...
