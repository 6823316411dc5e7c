"""Validation: the canonical form of content, and the place of every fault."""

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amp.domain.limits import AssetLimits
from amp.domain.types import AssetType, Field, FieldType
from amp.domain.validation import LONG_MAX, LONG_MIN, canonical_scalar, check_text, conform_metadata, text_faults
from amp.errors import Unprocessable

LIMITS = AssetLimits()
MOVIE = AssetType(
    name="movie",
    version=1,
    fields={
        "title": Field(type=FieldType.STRING, required=True),
        "plot": Field(type=FieldType.TEXT),
        "cameraId": Field(type=FieldType.LONG, minimum=0, maximum=100),
        "rating": Field(type=FieldType.DOUBLE),
        "seen": Field(type=FieldType.BOOLEAN),
        "released": Field(type=FieldType.DATE, minimum="1900-01-01T00:00:00.000Z"),
        "genre": Field(type=FieldType.STRING, enum=("drama", "comedy")),
        "tags": Field(type=FieldType.STRING, array=True),
        "sizes": Field(type=FieldType.LONG, array=True),
    },
)


def conform(limits: AssetLimits = LIMITS, /, **metadata: Any) -> dict[str, Any]:
    return conform_metadata({"title": "Alien"} | metadata, MOVIE, limits)


def places(metadata: dict[str, Any], limits: AssetLimits = LIMITS) -> list[str]:
    with pytest.raises(Unprocessable) as caught:
        conform_metadata(metadata, MOVIE, limits)
    return [fault.pointer for fault in caught.value.faults]


def test_content_comes_back_in_canonical_form() -> None:
    given_content = {
        "title": "Alien",
        "plot": None,
        "cameraId": 5.0,
        "rating": 5,
        "seen": True,
        "released": "1979-05-25",
        "tags": ["b", "a", "b"],
        "sizes": [],
    }
    canonical = conform_metadata(given_content, MOVIE, LIMITS)
    assert canonical == {
        "title": "Alien",
        "cameraId": 5,
        "rating": 5.0,
        "seen": True,
        "released": "1979-05-25T00:00:00.000Z",
        "tags": ("b", "a", "b"),
        "sizes": (),
    }
    assert isinstance(canonical["cameraId"], int)
    assert isinstance(canonical["rating"], float)
    assert list(canonical) == [key for key in given_content if key != "plot"]


def test_canonical_content_is_its_own_canonical_form() -> None:
    canonical = conform(cameraId=5.0, released="1979-05-25", tags=["a"], rating=1)
    assert conform_metadata(canonical, MOVIE, LIMITS) == canonical


@pytest.mark.parametrize(
    ("metadata", "place"),
    [
        ({"titel": "x"}, "/metadata/titel"),
        ({"a/b~c": 1}, "/metadata/a~1b~0c"),
        ({"cameraId": "5"}, "/metadata/cameraId"),
        ({"cameraId": True}, "/metadata/cameraId"),
        ({"cameraId": 5.5}, "/metadata/cameraId"),
        ({"cameraId": -1}, "/metadata/cameraId"),
        ({"cameraId": 101}, "/metadata/cameraId"),
        ({"cameraId": [5]}, "/metadata/cameraId"),
        ({"cameraId": {"n": 5}}, "/metadata/cameraId"),
        ({"seen": 1}, "/metadata/seen"),
        ({"seen": "true"}, "/metadata/seen"),
        ({"title": 5}, "/metadata/title"),
        ({"title": ["Alien"]}, "/metadata/title"),
        ({"genre": "Drama"}, "/metadata/genre"),
        ({"released": "1899-12-31"}, "/metadata/released"),
        ({"released": "yesterday"}, "/metadata/released"),
        ({"released": 0}, "/metadata/released"),
        ({"tags": "a"}, "/metadata/tags"),
        ({"tags": ["a", 5]}, "/metadata/tags/1"),
        ({"tags": ["a", None]}, "/metadata/tags/1"),
        ({"tags": ["a", ["b"]]}, "/metadata/tags/1"),
        ({"sizes": [1, 1 << 63]}, "/metadata/sizes/1"),
    ],
)
def test_a_value_that_does_not_fit_is_named_once_by_its_place(metadata: dict[str, Any], place: str) -> None:
    assert places({"title": "Alien"} | metadata) == [place]


@pytest.mark.parametrize("metadata", [{}, {"title": None}])
def test_a_missing_required_value_is_named(metadata: dict[str, Any]) -> None:
    assert places(metadata) == ["/metadata/title"]


def test_an_empty_array_does_not_fill_a_required_field() -> None:
    tagged = AssetType(name="t", version=1, fields={"tags": Field(type=FieldType.STRING, array=True, required=True)})
    with pytest.raises(Unprocessable) as caught:
        conform_metadata({"tags": []}, tagged, LIMITS)
    assert [fault.pointer for fault in caught.value.faults] == ["/metadata/tags"]
    assert conform_metadata({"tags": [""]}, tagged, LIMITS) == {"tags": ("",)}


def test_every_fault_is_named_at_once() -> None:
    assert set(places({"cameraId": "x", "nope": 1, "tags": [1]})) == {
        "/metadata/cameraId",
        "/metadata/nope",
        "/metadata/tags/0",
        "/metadata/title",
    }


def test_values_are_counted_with_arrays_flattened() -> None:
    limits = AssetLimits(values=4)
    assert conform(limits, sizes=[1, 2, 3])["sizes"] == (1, 2, 3)
    assert places({"title": "Alien", "sizes": [1, 2, 3, 4]}, limits) == ["/metadata"]


@given(st.integers())
def test_a_long_is_any_whole_number_of_64_bits_and_no_other(number: int) -> None:
    if LONG_MIN <= number <= LONG_MAX:
        assert canonical_scalar(number, FieldType.LONG, LIMITS) == number
    else:
        with pytest.raises(ValueError, match="64 bits"):
            canonical_scalar(number, FieldType.LONG, LIMITS)


@given(st.floats())
def test_a_float_is_a_long_only_if_nothing_is_rounded(number: float) -> None:
    try:
        canonical = canonical_scalar(number, FieldType.LONG, LIMITS)
    except ValueError:
        assert not number.is_integer() or not LONG_MIN <= number <= LONG_MAX
    else:
        assert isinstance(canonical, int)
        assert canonical == number
        assert LONG_MIN <= canonical <= LONG_MAX


@given(st.floats() | st.integers())
@example(-0.0)
def test_a_double_is_any_finite_number_that_it_holds_exactly(number: int | float) -> None:
    try:
        canonical = canonical_scalar(number, FieldType.DOUBLE, LIMITS)
    except ValueError:
        beyond = isinstance(number, int) and (not LONG_MIN <= number <= LONG_MAX or float(number) != number)
        assert beyond or not math.isfinite(number)
    else:
        assert isinstance(canonical, float)
        assert canonical == number
        assert math.copysign(1, canonical) == 1 or canonical < 0, "-0.0 becomes 0.0"


@pytest.mark.parametrize("number", [(1 << 53) + 1, LONG_MAX, 10**30])
def test_a_whole_number_that_a_double_would_round_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="cannot hold exactly"):
        canonical_scalar(number, FieldType.DOUBLE, LIMITS)


@pytest.mark.parametrize(
    ("kind", "limit"), [(FieldType.STRING, LIMITS.string_bytes), (FieldType.TEXT, LIMITS.text_bytes)]
)
def test_texts_are_measured_in_bytes_of_utf_8(kind: FieldType, limit: int) -> None:
    for fits in ("x" * limit, "é" * (limit // 2)):
        assert canonical_scalar(fits, kind, LIMITS) == fits
        with pytest.raises(ValueError, match="bytes long"):
            canonical_scalar(fits + "x", kind, LIMITS)


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800", "a\udfffb"])
def test_nul_and_unpaired_surrogates_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"contains (U\+0000|an unpaired surrogate)"):
        check_text(text, 100)


def test_each_faulty_text_is_named() -> None:
    faults = text_faults(iter([("/name", "fine"), ("/labels/0", "\x00"), ("/labels/1", "xxxxx")]), 4)
    assert [fault.pointer for fault in faults] == ["/labels/0", "/labels/1"]


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*MOVIE.fields, "unknown"]), json_values))
def test_any_json_is_either_conformed_for_good_or_refused_with_its_places(metadata: dict[str, Any]) -> None:
    try:
        canonical = conform_metadata(metadata, MOVIE, LIMITS)
    except Unprocessable as refused:
        pointers = [fault.pointer for fault in refused.faults]
    else:
        assert conform_metadata(canonical, MOVIE, LIMITS) == canonical
        return
    assert pointers
    assert all(pointer.startswith("/metadata") for pointer in pointers)
