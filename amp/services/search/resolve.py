"""Validates a client's query against the limits and the known types, and resolves it to exact comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amp.domain.comparisons import RANGE_OPERATORS, tests_for
from amp.domain.criteria import (
    NOTHING,
    AllOf,
    AnyOf,
    Criteria,
    EntryExists,
    EntryMatches,
    FacetOn,
    NotOf,
    RootExists,
    RootField,
    RootMatches,
    SortBy,
    TextMatches,
)
from amp.domain.limits import SearchLimits
from amp.domain.queries import (
    METADATA_PREFIX,
    OPERATORS,
    ROOT_FIELDS,
    Condition,
    Conjunction,
    Disjunction,
    Facet,
    Negation,
    Query,
    Sort,
)
from amp.domain.tokens import tokenize
from amp.domain.types import FieldType
from amp.domain.validation import check_text
from amp.errors import BadQuery
from amp.services.types.catalog import TypeCatalog

_OPERAND_BYTES = 32 * 1024
_TEXT_ONLY = frozenset({FieldType.TEXT})


@dataclass(frozen=True, slots=True)
class ResolvedQuery:
    criteria: Criteria
    sort: tuple[SortBy, ...]
    facets: tuple[FacetOn, ...]


@dataclass(frozen=True, kw_only=True)
class QueryResolver:
    catalog: TypeCatalog
    limits: SearchLimits

    def resolve(
        self,
        query: Query | None,
        text: str | None = None,
        *,
        sort: Sequence[Sort] = (),
        facets: Sequence[Facet] = (),
        since_s: float | None = None,
    ) -> ResolvedQuery:
        """Resolve a query, words to find in all text, the sort fields and the facets. A condition that cannot match
        becomes criteria that find nothing.

        :param since_s: when the request arrived, so that it reads the types only once; see `TypeCatalog.read_since`.
        :raises BadQuery: the request is not valid; the error names the place and what is allowed.
        """
        resolution = _Resolution(self.catalog, self.limits, since_s)
        return ResolvedQuery(resolution.criteria(query, text), resolution.sort(sort), resolution.facets(facets))


@dataclass(frozen=True, slots=True)
class _Resolution:
    """The resolution of one request."""

    catalog: TypeCatalog
    limits: SearchLimits
    since_s: float | None

    def criteria(self, query: Query | None, text: str | None) -> Criteria:
        parts: list[Criteria] = []
        if query is not None:
            self._check_size(query)
            parts.append(self._resolve(query))
        if text is not None:
            parts.append(TextMatches(self._words(text, "/text")))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def sort(self, sorts: Sequence[Sort]) -> tuple[SortBy, ...]:
        if len(sorts) > self.limits.sorts:
            raise _refusal("/sort", f"has {len(sorts)} fields; at most {self.limits.sorts} are allowed")
        return tuple(SortBy(*self._ordered(s.field, f"{s.pointer}/field", "sort"), s.descending) for s in sorts)

    def facets(self, facets: Sequence[Facet]) -> tuple[FacetOn, ...]:
        if len(facets) > self.limits.facets:
            raise _refusal("/facets", f"has {len(facets)} facets; at most {self.limits.facets} are allowed")
        for facet in facets:
            if not 1 <= facet.size <= self.limits.facet_size:
                raise _refusal(f"{facet.pointer}/size", f"takes 1 to {self.limits.facet_size}")
        return tuple(FacetOn(f.name, *self._ordered(f.field, f"{f.pointer}/field", "facet"), f.size) for f in facets)

    def _check_size(self, query: Query) -> None:
        conditions = list(_conditions(query))
        on_metadata = sum(c.field.startswith(METADATA_PREFIX) for c in conditions)
        limits = self.limits
        for what, count, limit in (
            ("conditions", len(conditions), limits.conditions),
            ("conditions on metadata", on_metadata, limits.metadata_conditions),
            ("levels of all, any and not", _depth(query), limits.depth),
            ("uses of all, any and not", _joints(query), limits.joints),
        ):
            if count > limit:
                raise _refusal("/query", f"has {count} {what}; at most {limit} are allowed")

    def _resolve(self, query: Query) -> Criteria:
        match query:
            case Conjunction(parts):
                return AllOf(tuple(map(self._resolve, parts)))
            case Disjunction(parts):
                return AnyOf(tuple(map(self._resolve, parts)))
            case Negation(part):
                return NotOf(self._resolve(part))
        return self._condition(query)

    def _condition(self, condition: Condition) -> Criteria:
        if not condition.operators:
            raise _refusal(condition.pointer, "has no operator")
        for operator, operand in condition.operators:
            self._check_operand(operator, operand, condition.pointer)
        tests = tuple((name, operand) for name, operand in condition.operators if name != "exists")
        exists = [operand for name, operand in condition.operators if name == "exists"]
        key = _metadata_key(condition.field)
        if key is not None:
            resolved = self._on_metadata(key, tests, condition) if tests else None
            existence: Criteria = EntryExists(key)
            self._known_kinds(key, f"{condition.pointer}/field")
        else:
            root, kind = self._root(condition.field, f"{condition.pointer}/field")
            resolved = self._on_root(root, kind, tests, condition) if tests else None
            existence = RootExists(root)
        parts = [existence if wanted else NotOf(existence) for wanted in exists]
        if resolved is not None:
            parts.append(resolved)
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _on_metadata(self, key: str, tests: tuple[tuple[str, Any], ...], condition: Condition) -> Criteria:
        kinds = self._known_kinds(key, f"{condition.pointer}/field")
        if kinds == _TEXT_ONLY:
            for operator, _ in tests:
                if operator != "match":
                    raise _refusal(f"{condition.pointer}/{operator}", f"{key} holds only text; use match")
        alternatives = [
            EntryMatches(key, kind, kind_tests)
            for kind in sorted(kinds)
            if (kind is not FieldType.TEXT or all(operator == "match" for operator, _ in tests))
            and (kind_tests := tests_for(kind, tests)) is not None
        ]
        if not alternatives:
            return NOTHING
        return alternatives[0] if len(alternatives) == 1 else AnyOf(tuple(alternatives))

    def _on_root(
        self, root: RootField, kind: FieldType, tests: tuple[tuple[str, Any], ...], condition: Condition
    ) -> Criteria:
        if root is not RootField.NAME and any(operator == "match" for operator, _ in tests):
            raise _refusal(
                f"{condition.pointer}/match", "match applies only to name and to metadata of type string or text"
            )
        if root is RootField.ID:
            tests = tuple((operator, _lowered(operand)) for operator, operand in tests)
        kind_tests = tests_for(kind, tests)
        return NOTHING if kind_tests is None else RootMatches(root, kind_tests)

    def _check_operand(self, operator: str, operand: Any, pointer: str) -> None:
        place = f"{pointer}/{operator}"
        if operator not in OPERATORS:
            raise _refusal(place, f"is not an operator; use one of {', '.join(OPERATORS)}")
        if operator == "exists":
            if not isinstance(operand, bool):
                raise _refusal(place, "takes true or false")
        elif operator == "in":
            if not isinstance(operand, list | tuple) or not 1 <= len(operand) <= self.limits.in_values:
                raise _refusal(place, f"takes a list of 1 to {self.limits.in_values} values")
            for i, item in enumerate(operand):
                _check_scalar(item, f"{place}/{i}")
        elif operator in ("prefix", "match"):
            if not isinstance(operand, str):
                raise _refusal(place, "takes text")
            _check_scalar(operand, place)
            if operator == "match":
                self._words(operand, place)
        else:
            _check_scalar(operand, place)
            if operator in RANGE_OPERATORS and isinstance(operand, bool):
                raise _refusal(place, "true and false have no order")

    def _words(self, text: str, pointer: str) -> tuple[str, ...]:
        _check_scalar(text, pointer)
        words = tuple(dict.fromkeys(tokenize(text)))
        if not 1 <= len(words) <= self.limits.words:
            raise _refusal(pointer, f"has {len(words)} words; 1 to {self.limits.words} are allowed")
        return words

    def _ordered(self, field: str, pointer: str, what: str) -> tuple[RootField | None, str | None]:
        key = _metadata_key(field)
        if key is None:
            return self._root(field, pointer)[0], None
        if self._known_kinds(key, pointer) == _TEXT_ONLY:
            raise _refusal(pointer, f"{key} holds only text, which cannot be used for a {what}")
        return None, key

    def _root(self, field: str, pointer: str) -> tuple[RootField, FieldType]:
        root_field = ROOT_FIELDS.get(field)
        if root_field is None:
            hint = f"; did you mean {METADATA_PREFIX}{field}?" if self.catalog.kinds(field, self.since_s) else ""
            raise _refusal(pointer, f"{field[:128]!r} is not one of {', '.join(ROOT_FIELDS)} or metadata.<key>{hint}")
        return root_field

    def _known_kinds(self, key: str, pointer: str) -> frozenset[FieldType]:
        kinds = self.catalog.kinds(key, self.since_s)
        if not kinds:
            close = self.catalog.closest_key(key)
            hint = f"; did you mean {METADATA_PREFIX}{close}?" if close else ""
            raise _refusal(pointer, f"no asset type has a field {key[:128]!r}{hint}")
        return kinds


def _conditions(query: Query) -> Sequence[Condition]:
    match query:
        case Conjunction(parts) | Disjunction(parts):
            return [condition for part in parts for condition in _conditions(part)]
        case Negation(part):
            return _conditions(part)
    return [query]


def _depth(query: Query) -> int:
    match query:
        case Conjunction(parts) | Disjunction(parts):
            return 1 + max(map(_depth, parts), default=0)
        case Negation(part):
            return 1 + _depth(part)
    return 0


def _joints(query: Query) -> int:
    match query:
        case Conjunction(parts) | Disjunction(parts):
            return 1 + sum(map(_joints, parts))
        case Negation(part):
            return 1 + _joints(part)
    return 0


def _metadata_key(field: str) -> str | None:
    return field.removeprefix(METADATA_PREFIX) if field.startswith(METADATA_PREFIX) else None


def _check_scalar(operand: Any, pointer: str) -> None:
    if operand is None:
        raise _refusal(pointer, "null is not allowed; use exists: false to find assets without a value")
    if not isinstance(operand, str | int | float):
        raise _refusal(pointer, "takes text, a number, true or false")
    if isinstance(operand, str):
        try:
            check_text(operand, _OPERAND_BYTES)
        except ValueError as e:
            raise _refusal(pointer, e.args[0]) from e


def _lowered(operand: Any) -> Any:
    """Return the operand in lower case, as ids are stored, so that conditions on ids are case-insensitive."""
    if isinstance(operand, list | tuple):
        return tuple(map(_lowered, operand))
    return operand.lower() if isinstance(operand, str) else operand


def _refusal(pointer: str, detail: str) -> BadQuery:
    return BadQuery.at(pointer, detail)
