"""The order of search hits in SQL: by root fields or metadata values, missing values last, then by the tie-breakers."""

from collections.abc import Sequence

from amp.adapters.embedded.search_conditions import COLUMNS, Conditions
from amp.adapters.embedded.search_rows import LABELS
from amp.adapters.embedded.search_sql import TRUE, Sql, joined
from amp.domain.criteria import IndexQuery, RootField, SortBy, SortValues
from amp.domain.types import FieldType

#: The kinds of values by which a metadata key is sorted and which its facets count.
VALUE_KINDS = tuple(kind for kind in FieldType if kind is not FieldType.TEXT)


class SqlOrder:
    """The order of the hits of one query, over the columns `s0`, `s1`, … and the tie-breakers."""

    def __init__(self, query: IndexQuery, conditions: Conditions) -> None:
        self._sort = query.sort
        self._ties = query.ties
        self._ties_descending = query.tie_descending
        self._conditions = conditions
        #: Whether only the creation time decides, so that the hits are in the order of a SQL index, or its reverse.
        self.by_created = len(self._sort) < 2 and all(sort.root is RootField.CREATED for sort in self._sort)

    def columns(self) -> str:
        """Return the columns of documents `d` by which the hits are sorted."""
        values = [f"{self._value(sort)} AS s{i}" for i, sort in enumerate(self._sort)]
        return ", ".join([*values, *(f"d.{tie}" for tie in self._ties)])

    def order_by(self) -> str:
        keys = [] if self.by_created else list(enumerate(self._sort))
        # NULLS LAST would do the same, but needs SQLite 3.30.
        values = [f"s{i} IS NULL, s{i}{_direction(sort.descending)}" for i, sort in keys]
        return ", ".join([*values, *(f"{tie}{_direction(self._ties_descending)}" for tie in self._ties)])

    def after(self, last: SortValues | None) -> Sql:
        """Return the condition on the hits after the one with these values. None: on all hits."""
        if last is None:
            return TRUE
        beyond = "<" if self._ties_descending else ">"
        placeholders = ", ".join("?" * len(self._ties))
        condition = Sql(f"({', '.join(self._ties)}) {beyond} ({placeholders})", last[-len(self._ties) :])
        for i, sort in [] if self.by_created else reversed(list(enumerate(self._sort))):
            same = joined("AND", [Sql(f"s{i} IS ?", (last[i],)), condition], empty=TRUE)
            if last[i] is None:
                condition = same
            else:
                further = Sql(f"s{i} {'<' if sort.descending else '>'} ? OR s{i} IS NULL", (last[i],))
                condition = joined("OR", [further, same], empty=TRUE)
        return condition

    def _value(self, sort: SortBy) -> str:
        if sort.root is not None and sort.root is not RootField.LABELS:
            return f"d.{COLUMNS[sort.root]}"
        fields = entry_fields(self._conditions, sort.root, sort.key)
        extreme = "max" if sort.descending else "min"
        return f"(SELECT {extreme}(e.value) FROM entries e WHERE e.doc = d.doc AND e.field {fields})"


def entry_fields(conditions: Conditions, root: RootField | None, key: str | None) -> str:
    """Return a condition on the fields whose entries are labels or the values of a metadata key."""
    kinds: Sequence[str] = VALUE_KINDS if root is None else [LABELS]
    return conditions.fields(key or "", kinds)


def _direction(descending: bool) -> str:
    return " DESC" if descending else ""
