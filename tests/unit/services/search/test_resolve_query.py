"""Queries are checked against limits and types before they go anywhere."""

from collections.abc import Callable
from typing import Any

import pytest

from amp.adapters.clock import SystemClock
from amp.domain.criteria import (
    NOTHING,
    AllOf,
    AnyOf,
    EntryExists,
    EntryMatches,
    FacetOn,
    NotOf,
    OneOf,
    RootField,
    RootMatches,
    SortBy,
    TextMatches,
)
from amp.domain.limits import SearchLimits
from amp.domain.queries import Condition, Conjunction, Facet, Negation, Query, Sort
from amp.domain.types import AssetType, Field, FieldType
from amp.errors import BadQuery
from amp.services.search.resolve import QueryResolver
from amp.services.types.catalog import TypeCatalog


class Registry:
    """Two types that disagree on the kind of `code`."""

    types = (
        AssetType(
            name="clip",
            version=1,
            fields={"code": Field(type=FieldType.LONG), "notes": Field(type=FieldType.TEXT)},
        ),
        AssetType(name="still", version=1, fields={"code": Field(type=FieldType.STRING)}),
    )

    def newest(self) -> list[AssetType]:
        return list(self.types)

    def get(self, name: str, version: int | None = None) -> AssetType | None:
        return next((t for t in self.types if t.name == name and version in (None, 1)), None)

    def add(self, asset_type: AssetType) -> bool:
        raise NotImplementedError(asset_type)


@pytest.fixture
def resolver() -> QueryResolver:
    return QueryResolver(catalog=TypeCatalog(Registry(), SystemClock(), 5.0), limits=SearchLimits())


def condition(field: str, **operators: Any) -> Condition:
    return Condition(field, tuple(operators.items()), "/query")


def test_a_number_is_looked_for_among_longs_only(resolver: QueryResolver) -> None:
    found = resolver.resolve(condition("metadata.code", eq=5), None).criteria
    assert found == EntryMatches("code", FieldType.LONG, (OneOf((5,)),))


def test_in_looks_among_every_kind_that_has_a_value_for_it(resolver: QueryResolver) -> None:
    found = resolver.resolve(Condition("metadata.code", (("in", [5, "five"]),), "/query"), None).criteria
    assert found == AnyOf(
        (
            EntryMatches("code", FieldType.LONG, (OneOf((5,)),)),
            EntryMatches("code", FieldType.STRING, (OneOf(("five",)),)),
        )
    )


def test_what_no_value_can_be_finds_nothing(resolver: QueryResolver) -> None:
    assert resolver.resolve(condition("metadata.code", eq=True), None).criteria == NOTHING
    assert resolver.resolve(condition("version", eq="one"), None).criteria == NOTHING
    assert resolver.resolve(condition("metadata.code", gt=1, lt="z"), None).criteria == NOTHING


def test_exists_stands_beside_other_operators(resolver: QueryResolver) -> None:
    assert resolver.resolve(condition("metadata.code", exists=False), None).criteria == NotOf(EntryExists("code"))
    both = resolver.resolve(condition("metadata.code", exists=True, eq=5), None).criteria
    assert both == AllOf((EntryExists("code"), EntryMatches("code", FieldType.LONG, (OneOf((5,)),))))


def test_ids_compare_whichever_case_they_are_asked_in(resolver: QueryResolver) -> None:
    assert resolver.resolve(condition("id", eq="ABC"), None).criteria == RootMatches(RootField.ID, (OneOf(("abc",)),))


def test_query_and_text_hold_together(resolver: QueryResolver) -> None:
    found = resolver.resolve(condition("metadata.code", exists=True), "Red fox").criteria
    assert found == AllOf((EntryExists("code"), TextMatches(("red", "fox"))))


def test_sorts_and_facets_name_root_fields_and_keys(resolver: QueryResolver) -> None:
    sorts = resolver.resolve(None, sort=[Sort("created_at"), Sort("metadata.code", descending=True)]).sort
    assert sorts == (SortBy(RootField.CREATED, None, False), SortBy(None, "code", True))
    assert resolver.resolve(None, facets=[Facet("c", "metadata.code", 5)]).facets == (FacetOn("c", None, "code", 5),)


def _nested(depth: int) -> Query:
    query: Query = condition("metadata.code", eq=1)
    for _ in range(depth):
        query = Negation(query)
    return query


_REFUSED: list[tuple[str, str, Callable[[QueryResolver], object]]] = [
    ("unknown key", "did you mean metadata.code", lambda r: r.resolve(condition("metadata.Code", eq=1)).criteria),
    (
        "unknown key in exists",
        "no asset type",
        lambda r: r.resolve(condition("metadata.nope", exists=True), None).criteria,
    ),
    ("unknown root", "did you mean metadata.code", lambda r: r.resolve(condition("code", eq=1)).criteria),
    ("eq on text", "use match", lambda r: r.resolve(condition("metadata.notes", eq="x")).criteria),
    ("prefix on text", "use match", lambda r: r.resolve(condition("metadata.notes", prefix="x")).criteria),
    ("eq null", "null is not allowed", lambda r: r.resolve(condition("metadata.code", eq=None)).criteria),
    ("null in in", "null is not allowed", lambda r: r.resolve(Condition("id", (("in", [None]),), "")).criteria),
    ("empty in", "1 to 1000", lambda r: r.resolve(Condition("id", (("in", []),), "")).criteria),
    ("object operand", "takes text", lambda r: r.resolve(Condition("id", (("eq", {}),), "")).criteria),
    ("exists of text", "true or false", lambda r: r.resolve(condition("id", exists="yes")).criteria),
    ("order of booleans", "no order", lambda r: r.resolve(condition("metadata.code", gt=True)).criteria),
    ("match on id", "match applies only to", lambda r: r.resolve(condition("id", match="x")).criteria),
    ("match without words", "0 words", lambda r: r.resolve(condition("name", match="!?")).criteria),
    ("unknown operator", "is not an operator", lambda r: r.resolve(condition("id", like="x")).criteria),
    ("no operator", "has no operator", lambda r: r.resolve(Condition("id", (), "")).criteria),
    ("text of an empty phrase", "0 words", lambda r: r.resolve(None, "").criteria),
    ("text without words", "0 words", lambda r: r.resolve(None, "  ").criteria),
    ("surrogate", "unpaired surrogate", lambda r: r.resolve(condition("name", eq="\ud800")).criteria),
    ("too deep", "6 levels", lambda r: r.resolve(_nested(6)).criteria),
    ("too many joints", "65 uses of all", lambda r: r.resolve(Conjunction((Conjunction(()),) * 64)).criteria),
    ("too many", "33 conditions", lambda r: r.resolve(Conjunction((condition("id", eq="x"),) * 33)).criteria),
    (
        "too many on metadata",
        "9 cond",
        lambda r: r.resolve(Conjunction((condition("metadata.code", eq=1),) * 9), None).criteria,
    ),
    ("sort by text", "only text", lambda r: r.resolve(None, sort=[Sort("metadata.notes")]).sort),
    ("sort by nothing", "is not one of", lambda r: r.resolve(None, sort=[Sort("nope")]).sort),
    ("too many sorts", "at most 8", lambda r: r.resolve(None, sort=[Sort("id")] * 9).sort),
    ("facet on text", "only text", lambda r: r.resolve(None, facets=[Facet("n", "metadata.notes")]).facets),
    ("facet of size 0", "1 to 1000", lambda r: r.resolve(None, facets=[Facet("n", "type", 0)]).facets),
]


@pytest.mark.parametrize(("detail", "ask"), [case[1:] for case in _REFUSED], ids=[case[0] for case in _REFUSED])
def test_what_cannot_be_answered_is_refused_with_its_place(
    resolver: QueryResolver, detail: str, ask: Callable[[QueryResolver], object]
) -> None:
    with pytest.raises(BadQuery) as caught:
        ask(resolver)
    assert detail in str(caught.value)
    assert caught.value.faults
