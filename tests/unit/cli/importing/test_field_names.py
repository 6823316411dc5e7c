"""The name of a field depends on that of its column alone, and two columns never share one by accident."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.cli.importing.field_names import field_name, field_names, unnamed_column
from amp.cli.importing.refused import ImportRefused
from amp.domain.types import KEY


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("US Gross", "us_gross"),
        ("cameraId", "cameraId"),
        ("CameraId", "camera_id"),
        ("Größe (m)", "grosse_m"),
        ("3D?", "f_3d"),
        ("IMDB Rating", "imdb_rating"),
        ("Название", "nazvanie"),
        ("标题", "biao_ti"),
        ("Łódź", "lodz"),
        ("EXIF:ISO", "exif_iso"),
        ("Camera.Make", "camera.make"),
        ("!!!", None),
        ("", None),
        (unnamed_column(3), None),
    ],
)
def test_a_column_becomes_a_valid_field_name(column: str, name: str | None) -> None:
    assert field_name(column) == name


@given(st.text(max_size=300))
def test_any_column_gets_a_valid_name_or_none(column: str) -> None:
    name = field_name(column)
    assert name is None or KEY.fullmatch(name)


def test_long_columns_that_begin_alike_get_different_names() -> None:
    assert field_name("x" * 200 + "A") != field_name("x" * 200 + "B")


def test_a_declared_field_keeps_its_name() -> None:
    assert field_names(["Title"], ["Title"], {}) == {"Title": "Title"}
    assert field_names(["Title"], [], {}) == {"Title": "title"}


def test_two_columns_of_one_name_are_refused_with_the_option() -> None:
    message = "columns 'Camera ID' and 'camera_id' would both become the field 'camera_id'"
    with pytest.raises(ImportRefused, match=re.escape(message)) as refused:
        field_names(["Camera ID", "camera_id"], [], {})
    assert "--map 'camera_id=FIELD'" in refused.value.message
    assert field_names(["Camera ID", "camera_id"], [], {"Camera ID": "camera"}) == {
        "Camera ID": "camera",
        "camera_id": "camera_id",
    }


def test_columns_are_joined_or_left_out_if_the_user_says_so() -> None:
    chosen = {"Title": "title", "notes": ""}
    assert field_names(["title", "Title", "notes"], [], chosen) == {"title": "title", "Title": "title"}


@pytest.mark.parametrize("column", ["!!!", unnamed_column(1)])
def test_a_column_without_a_name_is_refused_with_the_option(column: str) -> None:
    with pytest.raises(ImportRefused, match=re.escape(f"--map '{column}=FIELD'")):
        field_names([column], [], {})
    with pytest.raises(ImportRefused, match="'9x' is not a valid field name"):
        field_names([column], [], {column: "9x"})
