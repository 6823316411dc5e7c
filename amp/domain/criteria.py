"""Criteria: a query after it was checked against the types, saying exactly what either index has to compare.

Every search adapter answers this small language; all rules of comparison (kinds, bounds, words) are settled before.
"""

from dataclasses import dataclass
from enum import StrEnum

from amp.domain.assets import Scalar
from amp.domain.types import FieldType


class RootField(StrEnum):
    """A root field of search documents, by its name in the document."""

    ID = "asset_id"
    EXTERNAL_ID = "external_id"
    TYPE = "type"
    NAME = "name"
    PROJECT = "project"
    LABELS = "labels"  #: the only one with several values
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
    """The value lies between the bounds; None leaves an end open. Strings compare by code point."""

    low: int | float | str | None = None
    high: int | float | str | None = None
    low_open: bool = False  #: the low bound itself is outside
    high_open: bool = False


@dataclass(frozen=True, slots=True)
class Prefix:
    """The value begins with this text, case minded; the empty text begins every value."""

    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """All these words (see `amp.domain.tokens`) occur in the value, in any order; never empty."""

    words: tuple[str, ...]


Test = OneOf | Range | Prefix | Words


@dataclass(frozen=True, slots=True)
class EntryMatches:
    """Some one metadata entry has this key and kind and passes all tests. Dates are in milliseconds.

    `Words` is asked of STRING and TEXT entries only; the other tests never of TEXT.
    """

    key: str
    kind: FieldType
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class EntryExists:
    key: str


@dataclass(frozen=True, slots=True)
class RootMatches:
    """Some one value of the field passes all tests. `Words` is asked of NAME only."""

    field: RootField
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class RootExists:
    field: RootField


@dataclass(frozen=True, slots=True)
class TextMatches:
    """All these words occur somewhere in the asset's searchable text; never empty."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Empty: everything matches."""

    parts: tuple["Criteria", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Empty: nothing matches."""

    parts: tuple["Criteria", ...]


@dataclass(frozen=True, slots=True)
class NotOf:
    """The complement, among the documents searched."""

    part: "Criteria"


Criteria = EntryMatches | EntryExists | RootMatches | RootExists | TextMatches | AllOf | AnyOf | NotOf

EVERYTHING = AllOf(())
NOTHING = AnyOf(())


@dataclass(frozen=True, slots=True)
class SortBy:
    """By a root field, or by the `sort_value` of the entries with a metadata key.

    Missing values come last, whichever the order; of several, the least counts ascending, the greatest descending.
    """

    root: RootField | None
    key: str | None
    descending: bool


@dataclass(frozen=True, slots=True)
class FacetOn:
    name: str
    root: RootField | None
    key: str | None
    size: int


#: What a sort compares in one document: one value per `SortBy`, then created_ms, asset id, version.
SortValues = tuple[str | int | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexQuery:
    criteria: Criteria
    #: Ties are broken by (created_ms, asset id, version), in the direction of the last entry; empty: newest first.
    sort: tuple[SortBy, ...] = ()
    size: int = 20
    after: SortValues | None = None  #: the last hit of the page before
    total_limit: int | None = 10_000  #: count exactly up to here; None: to the end
    facets: tuple[FacetOn, ...] = ()
    all_versions: bool = False
    max_bytes: int | None = None  #: the page ends with the hit whose source brings all of them to so many bytes
    sources: bool = True  #: False: hits have empty sources
    #: Callers with the same session read the same copies, so that answers do not go back in time.
    session: str = ""
    buckets: int = 0  #: how many buckets the read alias must hold at least; with fewer the answer would be partial
    timeout_s: float = 10.0

    @property
    def tie_descending(self) -> bool:
        return self.sort[-1].descending if self.sort else True

    @property
    def ties(self) -> tuple[str, ...]:
        """Whatever else is compared, these make every order total. The version is none of them where each asset is
        found once: an edit between two pages would move the asset past the first, and onto the second again.
        """
        return ("created_ms", "asset_id", "version") if self.all_versions else ("created_ms", "asset_id")


@dataclass(frozen=True, slots=True)
class Hit:
    source: bytes  #: the asset's JSON
    sort: SortValues


@dataclass(frozen=True, slots=True)
class FacetValues:
    #: Values in JSON form (dates as text) with the number of assets that have them: by count, then value.
    values: tuple[tuple[Scalar, int], ...]
    approximate: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchPage:
    hits: tuple[Hit, ...]
    total: int
    total_is_exact: bool  #: False: there are at least `total`
    facets: dict[str, FacetValues]
    more: bool  #: there are hits after the last one
