"""A cursor is good as it was given out, and in no other spelling."""

import string

import pytest

from amp.domain.principals import Principal
from amp.errors import BadCursor
from amp.services.search.cursors import Cursors

PRINCIPAL = Principal("olga")
POSITIONS = [[1_795_339_271_686, "01a2028f-3e06-71b3-a275-f512cb48903b"], "a" * 300, [0.1, -0.0, 1e300, None, "ü"], {}]


@pytest.fixture
def cursors() -> Cursors:
    return Cursors(secret=lambda: b"secret")


@pytest.mark.parametrize("position", POSITIONS)
def test_a_cursor_gives_its_position_back(cursors: Cursors, position: object) -> None:
    assert cursors.unseal(cursors.seal(position, ["query"], PRINCIPAL), ["query"], PRINCIPAL) == position


@pytest.mark.parametrize("position", POSITIONS)
def test_a_cursor_with_any_other_last_character_is_refused(cursors: Cursors, position: object) -> None:
    # Base64 leaves bits of its last character unused, so that several spell the same.
    cursor = cursors.seal(position, "query", PRINCIPAL)
    for character in set(string.ascii_letters + string.digits + "-_=") - {cursor[-1]}:
        with pytest.raises(BadCursor):
            cursors.unseal(cursor[:-1] + character, "query", PRINCIPAL)


def test_a_cursor_with_anything_added_is_refused(cursors: Cursors) -> None:
    cursor = cursors.seal([1], "query", PRINCIPAL)
    for other in (f"{cursor}=", f"{cursor}==", f" {cursor}", f"{cursor}\n", cursor[:-1], f"{cursor}A"):
        with pytest.raises(BadCursor):
            cursors.unseal(other, "query", PRINCIPAL)


def test_a_cursor_is_good_for_its_caller_and_its_query_only(cursors: Cursors) -> None:
    cursor = cursors.seal([1], "query", PRINCIPAL)
    for bound_to, caller in (("other", PRINCIPAL), ("query", Principal("eve")), (["query"], PRINCIPAL)):
        with pytest.raises(BadCursor):
            cursors.unseal(cursor, bound_to, caller)
