"""Wording that is never right is found, and the better one is named."""

import pytest

from tests.support.plain_english import faults


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a = 1\n# Begins with it, case\n#   minded.\n", [(2, "case-sensitive")]),
        ('"""Origins, by commas."""', [(1, "comma-separated")]),
        ("Items a second; and what\nbecame of them.", [(1, "per second"), (1, "the outcome of")]),
        ("'x' is no id", [(1, "is not a …")]),
        ("There\nis no asset; it is no longer needed and takes a second.", []),
        ("canew new", []),
    ],
)
def test_wording_that_is_never_right_is_found(text: str, found: list[tuple[int, str]]) -> None:
    assert [(line, better) for line, _, better in faults(text)] == found
