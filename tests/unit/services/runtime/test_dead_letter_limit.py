"""Dead letters are limited in a row and as a share of the latest messages."""

from amp.services.runtime.dead_letter_limit import WINDOW, DeadLetterLimit


def test_messages_in_a_row_are_limited_across_batches() -> None:
    limit = DeadLetterLimit(max_in_row=3, max_share=1)
    assert limit.admit([True] * 2) is None
    assert limit.admit([True]) is None
    assert limit.admit([True]) == "more than 3 messages in a row would become dead letters"
    assert limit.admit([False, True, True, True]) is None
    assert limit.admit([True]) is not None


def test_what_is_refused_is_not_counted() -> None:
    limit = DeadLetterLimit(max_in_row=3, max_share=1)
    for _ in range(5):
        assert limit.admit([False, *[True] * 4]) is not None
    assert limit.admit([True] * 3) is None


def test_the_share_is_limited_once_the_window_is_full() -> None:
    limit = DeadLetterLimit(max_in_row=WINDOW, max_share=0.2)
    half = [False, True] * (WINDOW // 4)
    assert limit.admit(half) is None
    assert limit.admit(half) == "more than 20% of the last 1,000 messages would be dead letters"
    assert limit.admit([False] * WINDOW) is None
    assert limit.admit([True] * (WINDOW // 5)) is None
    assert limit.admit([True]) is not None


def test_without_room_for_any_the_first_is_refused() -> None:
    assert DeadLetterLimit(max_in_row=0, max_share=1).admit([False, True]) is not None
