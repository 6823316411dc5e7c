"""What a search looks through and what it answers, as the oracles see them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cmp_to_key
from typing import Any

from amp.domain.assets import Asset, State
from amp.domain.types import AssetType, FieldType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Numbers before dates before booleans before strings.
_RANK = {
    FieldType.LONG: 1,
    FieldType.DOUBLE: 1,
    FieldType.DATE: 2,
    FieldType.BOOLEAN: 3,
    FieldType.STRING: 4,
}

Ranked = tuple[int, Any]


@dataclass(frozen=True)
class Item:
    """An asset as it is, or as it was in a superseded version."""

    asset: Asset
    type: AssetType
    latest: bool

    @property
    def key(self) -> tuple[str, int]:
        return str(self.asset.id), self.asset.version

    @property
    def searched(self) -> bool:
        return self.asset.state is State.ACTIVE

    def values(self, key: str) -> list[tuple[FieldType, Any]]:
        """The values of a metadata key with their kind; dates in milliseconds."""
        found = self.asset.metadata.get(key, ())
        kind = self.type.fields[key].type if key in self.type.fields else FieldType.TEXT
        each = found if isinstance(found, tuple) else (found,)
        return [(kind, milliseconds(str(value)) if kind is FieldType.DATE else value) for value in each]

    def ranked(self, key: str) -> list[Ranked]:
        """The same, in a form that sorts; text has no order."""
        return [(_RANK[kind], value) for kind, value in self.values(key) if kind is not FieldType.TEXT]

    def all_text(self) -> Iterator[str]:
        """Everything that `text` searches."""
        asset = self.asset
        yield from (asset.name, *asset.labels, *([asset.external_id] if asset.external_id is not None else []))
        for key in asset.metadata:
            yield from (value for kind, value in self.values(key) if kind in (FieldType.STRING, FieldType.TEXT))


@dataclass(frozen=True)
class Answer:
    """Everything that matches, in order, as (asset id, version); facets as (value in JSON, count)."""

    matches: list[tuple[str, int]]
    facets: dict[str, list[tuple[Any, int]]]


@dataclass(frozen=True)
class Ordering:
    values: Callable[[Item], list[Any]]  #: what an item is sorted by; empty: missing
    descending: bool


def in_order(items: Iterable[Item], orderings: Sequence[Ordering]) -> list[Item]:
    """Missing last whichever the order; of several values the least ascending, the greatest descending; ties by
    creation, id and version, in the direction of the last, newest first without any.
    """
    ties_descending = orderings[-1].descending if orderings else True

    def compare(a: Item, b: Item) -> int:
        for ordering in orderings:
            of_a, of_b = ordering.values(a), ordering.values(b)
            if not of_a or not of_b:
                if bool(of_a) != bool(of_b):
                    return -1 if of_a else 1
                continue
            extreme = max if ordering.descending else min
            if differs := _sign(extreme(of_a), extreme(of_b), ordering.descending):
                return differs
        ties = [(item.asset.created_ms, *item.key) for item in (a, b)]
        return _sign(*ties, ties_descending)

    return sorted(items, key=cmp_to_key(compare))


def _sign(a: Any, b: Any, descending: bool) -> int:
    sign = (a > b) - (a < b)
    return -sign if descending else sign


def commonest(items: Iterable[Item], values: Callable[[Item], list[Ranked]], size: int) -> list[tuple[Any, int]]:
    """The values most items have, each counted once an item, by count, then value; dates as text."""
    counts = Counter(value for item in items for value in set(values(item)))
    ordered = sorted(counts.items(), key=lambda counted: (-counted[1], counted[0]))
    return [(_json(*ranked), count) for ranked, count in ordered[:size]]


def _json(rank: int, value: Any) -> Any:
    return rfc3339(value) if rank == _RANK[FieldType.DATE] else value


def milliseconds(canonical: str) -> int:
    return (datetime.fromisoformat(canonical) - _EPOCH) // timedelta(milliseconds=1)


def rfc3339(ms: int) -> str:
    text = (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
