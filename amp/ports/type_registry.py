"""The registry of all versions of all asset types."""

from typing import Protocol

from amp.domain.types import AssetType


class TypeRegistry(Protocol):
    """A version never changes once it is added."""

    def add(self, asset_type: AssetType) -> bool:
        """Add a version of a type. Return False, and add nothing, unless its number is one more than the newest of that
        name (1 if there is none). If several processes add the same version at once, exactly one gets True.

        :raises StoreUnavailable: the store does not answer; it is unknown whether the version was added.
        """
        ...

    def get(self, name: str, version: int | None = None) -> AssetType | None:
        """Return that version of a type, or the newest if `version` is None. Return None if it does not exist.

        :raises StoreUnavailable: the store does not answer.
        """
        ...

    def newest(self) -> list[AssetType]:
        """Return the newest version of every type, by name.

        :raises StoreUnavailable: the store does not answer.
        """
        ...
