"""Criteria: a query that was validated against the types and says exactly what the search index has to compare.

Every search adapter implements this small language. All rules of comparison (kinds, bounds, words) are applied before.
"""

from dataclasses import dataclass
from enum import StrEnum

from amp.domain.assets import Scalar
from amp.domain.types import FieldType


class RootField(StrEnum):
    """A root field of search documents; its value is the name of the field in the document."""

    ID = "asset_id"
    EXTERNAL_ID = "external_id"
    TYPE = "type"
    NAME = "name"
    PROJECT = "project"
    LABELS = "labels"  #: the only field with several values
    STATE = "state"
    VERSION = "version"
    CREATED = "created"  #: milliseconds since 1970
    UPDATED = "updated"  #: milliseconds since 1970


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value equals one of these; never empty."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """The value is between the bounds; None means that there is no bound. Strings compare by code point."""

    low: int | float | str | None = None
    high: int | float | str | None = None
    low_open: bool = False  #: the low bound itself is excluded
    high_open: bool = False  #: the high bound itself is excluded


@dataclass(frozen=True, slots=True)
class Prefix:
    """The value starts with this text (case-sensitive). Every value starts with the empty text."""

    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """All these words (see `amp.domain.tokens`) occur in the value, in any order; never empty."""

    words: tuple[str, ...]


Test = OneOf | Range | Prefix | Words


@dataclass(frozen=True, slots=True)
class EntryMatches:
    """At least one metadata entry has this key and kind and passes all tests. Dates are in milliseconds.

    `Words` applies to STRING and TEXT entries only. The other tests never apply to TEXT.
    """

    key: str
    kind: FieldType
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class EntryExists:
    """At least one metadata entry has this key."""

    key: str


@dataclass(frozen=True, slots=True)
class RootMatches:
    """At least one value of the field passes all tests. `Words` applies to NAME only."""

    field: RootField
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class RootExists:
    """The document has a value in this field."""

    field: RootField


@dataclass(frozen=True, slots=True)
class TextMatches:
    """All these words occur somewhere in the asset's searchable text; never empty."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """All parts match; if there are none, everything matches."""

    parts: tuple["Criteria", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part matches; if there are none, nothing matches."""

    parts: tuple["Criteria", ...]


@dataclass(frozen=True, slots=True)
class NotOf:
    """The part does not match, among the documents searched."""

    part: "Criteria"


Criteria = EntryMatches | EntryExists | RootMatches | RootExists | TextMatches | AllOf | AnyOf | NotOf

EVERYTHING = AllOf(())
NOTHING = AnyOf(())


@dataclass(frozen=True, slots=True)
class SortBy:
    """Sort by a root field, or by the `sort_value` of the entries with a metadata key.

    Documents without a value come last in either direction. If a document has several values, the smallest counts in
    ascending order and the largest in descending order.
    """

    root: RootField | None
    key: str | None
    descending: bool


@dataclass(frozen=True, slots=True)
class FacetOn:
    """Counts assets by the values of a root field, or of the entries with a metadata key."""

    name: str
    root: RootField | None
    key: str | None
    size: int  #: maximum number of values to return


#: The values of one document that a sort compares: one per `SortBy`, then created_ms, asset id and, in a
#: search of all versions, version.
SortValues = tuple[str | int | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexQuery:
    """A request to the search index for one page of hits."""

    criteria: Criteria
    #: Ties are broken by created_ms, asset id and, with `all_versions`, version, in the direction of the last entry.
    #: Empty: newest first.
    sort: tuple[SortBy, ...] = ()
    size: int = 20  #: maximum number of hits
    after: SortValues | None = None  #: the sort values of the last hit of the page before
    total_limit: int | None = 10_000  #: the total is exact up to this number; None: always
    facets: tuple[FacetOn, ...] = ()
    all_versions: bool = False  #: False: search only the head documents
    max_bytes: int | None = None  #: the page ends with the hit whose source brings the total size to this
    sources: bool = True  #: False: hits have empty sources
    #: Searches with the same session read the same copies of the index, so that later answers are never older.
    session: str = ""
    buckets: int = 0  #: minimum number of buckets in the read alias; with fewer, the answer would be partial
    timeout_s: float = 10.0

    @property
    def tie_descending(self) -> bool:
        return self.sort[-1].descending if self.sort else True

    @property
    def ties(self) -> tuple[str, ...]:
        """Return the fields that are compared last and make every order total. The version is not among them if each
        asset is found once: an edit between two pages would move an asset of the first page to the second one, where it
        would be found again.
        """
        return ("created_ms", "asset_id", "version") if self.all_versions else ("created_ms", "asset_id")


@dataclass(frozen=True, slots=True)
class Hit:
    source: bytes  #: the asset's JSON
    sort: SortValues


@dataclass(frozen=True, slots=True)
class FacetValues:
    #: Values in JSON form (dates as text) with the number of assets that have them, ordered by count, then by value.
    values: tuple[tuple[Scalar, int], ...]
    approximate: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchPage:
    hits: tuple[Hit, ...]
    total: int
    total_is_exact: bool  #: False: there are at least `total` hits
    facets: dict[str, FacetValues]
    more: bool  #: there are more hits after the last one
