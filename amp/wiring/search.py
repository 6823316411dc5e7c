"""Builds the services that search assets."""

import functools
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from amp.domain.limits import SearchLimits
from amp.ports.shared_values import SharedValues
from amp.profiles import Adapters
from amp.services.search.cursors import Cursors
from amp.services.search.resolve import QueryResolver
from amp.services.search.search import AssetSearch
from amp.services.search.visibility import SearchVisibility
from amp.settings import Settings
from amp.wiring.buckets import BucketServices
from amp.wiring.types import TypeServices


@dataclass(frozen=True, kw_only=True)
class SearchServices:
    cursors: Cursors
    resolver: QueryResolver
    assets: AssetSearch
    visibility: SearchVisibility


def search_services(
    settings: Settings, adapters: Adapters, types: TypeServices, buckets: BucketServices
) -> SearchServices:
    limits = SearchLimits(total=settings.total_limit, timeout_s=settings.search_timeout_s)
    cursors = Cursors(secret=_cursor_secret(settings, adapters.shared))
    resolver = QueryResolver(catalog=types.catalog, limits=limits)
    return SearchServices(
        cursors=cursors,
        resolver=resolver,
        assets=AssetSearch(index=adapters.index, resolver=resolver, cursors=cursors, maps=buckets.maps, limits=limits),
        visibility=SearchVisibility(index=adapters.index, maps=buckets.maps, clock=adapters.clock),
    )


def _cursor_secret(settings: Settings, shared: SharedValues) -> Callable[[], bytes]:
    if settings.cursor_key is not None:
        secret = settings.cursor_key.get_secret_value().encode()
        return lambda: secret
    return functools.cache(lambda: shared.get_or_put("cursor-key", secrets.token_bytes(32)))
