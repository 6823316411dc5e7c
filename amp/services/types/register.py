"""Registers asset types and their versions, and reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from amp.domain.principals import Principal
from amp.domain.types import AssetType, Field, incompatibilities
from amp.errors import AlreadyExists, Conflict, Fault, IncompatibleType, TypeNotFound
from amp.ports.clock import Clock
from amp.ports.type_registry import TypeRegistry
from amp.services.types.catalog import TypeCatalog


@dataclass(frozen=True, kw_only=True)
class TypeRegistration:
    """Registers asset types. Every version is compatible with the one before. Registering an identical version changes
    nothing.
    """

    registry: TypeRegistry
    catalog: TypeCatalog
    clock: Clock

    def create(self, name: str, description: str, fields: Mapping[str, Field], principal: Principal) -> AssetType:
        """Register version 1.

        :raises AlreadyExists: there is a type of that name.
        :raises StoreUnavailable: the registry does not answer.
        """
        first = AssetType(
            name=name,
            version=1,
            description=description,
            fields=fields,
            created_ms=self.clock.now_ms(),
            created_by=principal.name,
        )
        if not self.registry.add(first):
            raise AlreadyExists(
                f"asset type {name!r} exists already; use `amp types update` or PUT to create its next version"
            )
        self.catalog.refresh()
        return first

    def next_version(
        self, name: str, description: str, fields: Mapping[str, Field], principal: Principal
    ) -> tuple[AssetType, bool]:
        """Register the next version. Return the newest version and whether it is new.

        :raises TypeNotFound: there is no type of that name.
        :raises IncompatibleType: it is not compatible; the error names every fault.
        :raises Conflict: other writers kept registering versions.
        :raises StoreUnavailable: the registry does not answer.
        """
        for _ in range(3):
            newest = self.get(name, None, principal)
            if (newest.description, newest.fields) == (description, fields):
                return newest, False
            following = replace(
                newest,
                version=newest.version + 1,
                description=description,
                fields=fields,
                created_ms=self.clock.now_ms(),
                created_by=principal.name,
            )
            faults = [Fault(pointer, why) for pointer, why in incompatibilities(newest, following)]
            if faults:
                raise IncompatibleType(
                    f"the definition is not compatible with version {newest.version} of type {name}", faults
                )
            if self.registry.add(following):
                self.catalog.refresh()
                return following, True
        raise Conflict(f"type {name} is being changed by other writers; try again")

    def get(self, name: str, version: int | None, principal: Principal) -> AssetType:  # noqa: ARG002
        """Return a version of a type, the newest by default.

        :raises TypeNotFound: there is no such type or version.
        :raises StoreUnavailable: the registry does not answer.
        """
        found = self.registry.get(name, version)
        if found is None:
            wanted = (
                f"asset type {name[:128]!r}" if version is None else f"version {version} of asset type {name[:128]!r}"
            )
            raise TypeNotFound(f"there is no {wanted}")
        return found

    def newest(self, principal: Principal) -> list[AssetType]:  # noqa: ARG002
        """Return the newest version of every type, sorted by name.

        :raises StoreUnavailable: the registry does not answer.
        """
        return self.registry.newest()
