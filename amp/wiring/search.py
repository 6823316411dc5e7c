"""The services that find assets, wired."""

import functools
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from amp.adapter_sets import Adapters
from amp.domain.limits import SearchLimits
from amp.ports.shared_values import SharedValues
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.jobs.selection import SelectAssets
from amp.services.search.cursors import Cursors
from amp.services.search.resolve import ResolveQuery
from amp.services.search.search import SearchAssets
from amp.services.search.visibility import AwaitSearchable
from amp.services.types.catalog import TypeCatalog
from amp.settings import Settings


@dataclass(frozen=True, kw_only=True)
class SearchServices:
    cursors: Cursors
    resolver: ResolveQuery
    searcher: SearchAssets
    select: SelectAssets
    awaiter: AwaitSearchable


def search_services(settings: Settings, a: Adapters, catalog: TypeCatalog, maps: BucketMaps) -> SearchServices:
    limits = SearchLimits(total=settings.total_limit, timeout_s=settings.search_timeout_s)
    cursors = Cursors(_cursor_secret(settings, a.shared))
    resolver = ResolveQuery(catalog, limits)
    searcher = SearchAssets(a.index, resolver, cursors, maps, limits)
    return SearchServices(
        cursors=cursors,
        resolver=resolver,
        searcher=searcher,
        select=SelectAssets(a.listing, searcher, catalog),
        awaiter=AwaitSearchable(a.index, maps, a.clock),
    )


def _cursor_secret(settings: Settings, shared: SharedValues) -> Callable[[], bytes]:
    if settings.cursor_key is not None:
        given = settings.cursor_key.get_secret_value().encode()
        return lambda: given
    return functools.cache(lambda: shared.get_or_put("cursor-key", secrets.token_bytes(32)))
