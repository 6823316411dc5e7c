"""Limits on the size of things. The defaults are those of the interface description."""

from dataclasses import dataclass

#: Maximum number of faults that one refusal lists, so that it stays small.
MAX_FAULTS = 100
#: A page ends once its items take this many bytes.
PAGE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetLimits:
    string_bytes: int = 8 * 1024  #: size of a `string` value in UTF-8, in bytes
    text_bytes: int = 32 * 1024  #: size of a `text` value in UTF-8, in bytes
    name_bytes: int = 1024  #: size of a name, external id or label in UTF-8, in bytes
    values: int = 1_000  #: number of metadata values of an asset, counting each element of an array
    asset_bytes: int = 1024 * 1024  #: size of an asset's JSON, in bytes
    labels: int = 1_000  #: number of labels of an asset
    body_values: int = 3_000  #: number of arrays, objects and their members in the JSON of a request with one asset
    versions_kept: int = 1_000  #: number of versions kept of an asset
    skew_ms: int = 60_000  #: how far in the future the time of an id may be


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchLimits:
    conditions: int = 32
    metadata_conditions: int = 8
    depth: int = 5
    joints: int = 64  #: number of `all`, `any` and `not` in a query, empty ones included
    page: int = 200
    facets: int = 16
    facet_size: int = 1_000
    sorts: int = 8
    in_values: int = 1_000  #: number of values of one `in`
    words: int = 64  #: number of words of one `match` or of `text`
    total: int = 10_000  #: a total is exact up to this number unless an exact one is requested
    timeout_s: float = 10.0
