"""Builds the services of asset types."""

from dataclasses import dataclass

from amp.profiles import Adapters
from amp.services.types.catalog import TypeCatalog
from amp.services.types.register import TypeRegistration
from amp.settings import Settings


@dataclass(frozen=True, kw_only=True)
class TypeServices:
    registration: TypeRegistration
    catalog: TypeCatalog


def type_services(settings: Settings, adapters: Adapters) -> TypeServices:
    catalog = TypeCatalog(adapters.types, adapters.clock, settings.types_refresh_s)
    return TypeServices(
        registration=TypeRegistration(registry=adapters.types, catalog=catalog, clock=adapters.clock), catalog=catalog
    )
