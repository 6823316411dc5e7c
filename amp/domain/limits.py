"""How large things may be; the defaults are those of the interface description."""

from dataclasses import dataclass

#: Faults that one refusal names; looking for more would make it large.
MAX_FAULTS = 100
#: Once the items of a page take so much, it ends.
PAGE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetLimits:
    string_bytes: int = 8 * 1024  #: UTF-8 bytes of a `string` value
    text_bytes: int = 32 * 1024  #: UTF-8 bytes of a `text` value
    name_bytes: int = 1024  #: UTF-8 bytes of a name, external id or label
    values: int = 1_000  #: metadata values of an asset, arrays flattened
    asset_bytes: int = 1024 * 1024  #: an asset's JSON
    labels: int = 1_000
    body_values: int = 3_000  #: arrays, objects and their members in the JSON of a request that brings one asset
    versions_kept: int = 1_000
    skew_ms: int = 60_000  #: how far in the future an id's time may lie


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchLimits:
    conditions: int = 32
    metadata_conditions: int = 8
    depth: int = 5
    joints: int = 64  #: `all`, `any` and `not` in a query, empty ones included
    page: int = 200
    facets: int = 16
    facet_size: int = 1_000
    sorts: int = 8
    in_values: int = 1_000  #: values of one `in`
    words: int = 64  #: words of one `match` or of `text`
    total: int = 10_000  #: up to here a total is exact unless asked for
    timeout_s: float = 10.0
