"""Pieces of SQL with their values, from which the statements of a search are composed."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and the values of its placeholders, in order."""

    text: str
    values: tuple[object, ...] = ()


TRUE, FALSE = Sql("1"), Sql("0")


def joined(operator: str, parts: Sequence[Sql], *, empty: Sql) -> Sql:
    """Return the parts joined by `AND` or `OR`, in parentheses, or `empty` if there are none."""
    if not parts:
        return empty
    return Sql(f"({f' {operator} '.join(part.text for part in parts)})", values_of(parts))


def values_of(parts: Sequence[Sql]) -> tuple[object, ...]:
    return tuple(value for part in parts for value in part.values)
