"""When a single conditional write is sent again, and when it is not."""

from collections.abc import Callable

import pytest

from amp.adapters.cassandra.settling import settle
from amp.errors import StoreUnavailable


def says(*answers: object) -> Callable[[], object]:
    """Gives the answers one after the other, raising those that are errors."""
    left = list(answers)

    def give() -> object:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return give


LOST = StoreUnavailable("lost")


@pytest.mark.parametrize(
    ("sent", "looked", "expected"),
    [
        ([True], [], True),
        ([False], [False], False),
        ([False], [True], True),
        ([LOST], [True], True),
        ([LOST], [False], False),
        ([LOST, True], [None], True),
        ([LOST, False], [None, True], True),
        ([LOST, LOST, LOST], [None, None, True], True),
    ],
)
def test_the_answer_counts_and_where_there_is_none_what_is_found(
    sent: list[object], looked: list[object], expected: bool
) -> None:
    assert settle(says(*sent), says(*looked)) is expected  # type: ignore[arg-type]  # the fakes raise and return


def test_what_stays_open_is_an_error() -> None:
    with pytest.raises(StoreUnavailable, match="lost"):
        settle(says(LOST, LOST, LOST), says(None, None, None))  # type: ignore[arg-type]  # as above


def test_an_error_while_looking_is_passed_on() -> None:
    with pytest.raises(StoreUnavailable, match="blind"):
        settle(says(LOST), says(StoreUnavailable("blind")))  # type: ignore[arg-type]  # as above
