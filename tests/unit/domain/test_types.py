"""Types: what may follow what, and their JSON form."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.types import KEY, AssetType, Bound, Field, FieldType, incompatibilities, type_from_json, type_json
from amp.domain.validation import LONG_MAX, LONG_MIN


def a_type(**fields: Field) -> AssetType:
    return AssetType(name="movie", version=1, fields=fields)


def reasons(before: Field, after: Field) -> list[str]:
    return [place for place, _ in incompatibilities(a_type(f=before), a_type(f=after))]


LONG = Field(type=FieldType.LONG)
STRING = Field(type=FieldType.STRING)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (LONG, LONG),
        (LONG, replace(LONG, description="of the camera")),
        (replace(LONG, description="a"), replace(LONG, description=None)),
        (replace(LONG, required=True), LONG),
        (replace(STRING, enum=("a",)), replace(STRING, enum=("b", "a"))),
        (replace(STRING, enum=("a",)), STRING),
        (replace(LONG, minimum=1, maximum=9), replace(LONG, minimum=0, maximum=10)),
        (replace(LONG, minimum=1, maximum=9), LONG),
        (LONG, replace(LONG, unit="mm")),
    ],
)
def test_what_keeps_every_asset_valid_is_compatible(before: Field, after: Field) -> None:
    assert reasons(before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        (LONG, Field(type=FieldType.DOUBLE), "type"),
        (LONG, STRING, "type"),
        (STRING, Field(type=FieldType.TEXT), "type"),
        (LONG, replace(LONG, array=True), "array"),
        (replace(LONG, array=True), LONG, "array"),
        (LONG, replace(LONG, required=True), "required"),
        (STRING, replace(STRING, enum=("a",)), "enum"),
        (replace(STRING, enum=("a", "b")), replace(STRING, enum=("a",)), "enum"),
        (LONG, replace(LONG, minimum=0), "minimum"),
        (replace(LONG, minimum=0), replace(LONG, minimum=1), "minimum"),
        (LONG, replace(LONG, maximum=0), "maximum"),
        (replace(LONG, maximum=1), replace(LONG, maximum=0), "maximum"),
        (replace(LONG, unit="mm"), LONG, "unit"),
        (replace(LONG, unit="mm"), replace(LONG, unit="cm"), "unit"),
    ],
)
def test_what_could_make_an_asset_invalid_is_named(before: Field, after: Field, place: str) -> None:
    assert reasons(before, after) == [f"/fields/f/{place}"]


def test_fields_may_be_added_if_optional_and_never_removed() -> None:
    old = a_type(f=LONG)
    assert incompatibilities(old, a_type(f=LONG, g=STRING)) == []
    assert [place for place, _ in incompatibilities(old, a_type(f=LONG, g=replace(STRING, required=True)))] == [
        "/fields/g/required"
    ]
    assert [place for place, _ in incompatibilities(old, a_type())] == ["/fields/f"]


def test_everything_incompatible_is_named_at_once() -> None:
    old = a_type(a=replace(LONG, maximum=5), b=STRING)
    new = a_type(a=replace(LONG, maximum=4, required=True), c=replace(STRING, required=True))
    assert {place for place, _ in incompatibilities(old, new)} == {
        "/fields/a/required",
        "/fields/a/maximum",
        "/fields/b",
        "/fields/c/required",
    }


longs = st.integers(LONG_MIN, LONG_MAX)
doubles = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def fields_of(kind: FieldType, bounds: st.SearchStrategy[Bound] | None, values: st.SearchStrategy[Bound]):  # type: ignore[no-untyped-def]  # the type of st.builds says less
    optional_bound = st.none() if bounds is None else st.none() | bounds
    return st.builds(
        Field,
        type=st.just(kind),
        required=st.booleans(),
        array=st.booleans(),
        enum=st.none() | st.lists(values, max_size=3).map(tuple),
        minimum=optional_bound,
        maximum=optional_bound,
        unit=st.none() | texts,
        description=st.none() | texts,
    )


any_field = st.one_of(
    fields_of(FieldType.LONG, longs, longs),
    fields_of(FieldType.DOUBLE, doubles, doubles),
    fields_of(FieldType.STRING, texts, texts),
    fields_of(FieldType.BOOLEAN, None, st.booleans()),
)
any_type = st.builds(
    AssetType,
    name=st.from_regex(KEY, fullmatch=True),
    version=st.integers(1, 1000),
    description=texts,
    fields=st.dictionaries(st.from_regex(KEY, fullmatch=True), any_field, max_size=5),
    created_ms=st.integers(0, 4_000_000_000_000),
    created_by=texts,
)


@given(any_type)
def test_a_type_survives_its_json_form(asset_type: AssetType) -> None:
    again = type_from_json(json.loads(json.dumps(type_json(asset_type))))
    assert again == asset_type
    assert list(again.fields) == list(asset_type.fields)


@given(any_type)
def test_a_type_is_compatible_with_itself(asset_type: AssetType) -> None:
    assert incompatibilities(asset_type, asset_type) == []


@pytest.mark.parametrize("key", ["a", "cameraId", "a.b-c_D9", "x" * 128])
def test_these_are_keys(key: str) -> None:
    assert KEY.fullmatch(key)


@pytest.mark.parametrize("key", ["", "9a", "_a", "a b", "é", "aé", "a/b", "a\n", "x" * 129])
def test_these_are_no_keys(key: str) -> None:
    assert not KEY.fullmatch(key)
