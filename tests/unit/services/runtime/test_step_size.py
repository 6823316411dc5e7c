"""Steps of things of unknown size: small ones go at once, large ones a few at a time."""

import random
from collections import deque

from amp.services.runtime.step_size import StepSize

_STEP_BYTES = 16 * 1024 * 1024


def _steps(size: StepSize, sizes: list[int]) -> list[int]:
    """The bytes of each step."""
    taken = []
    for step in size.steps(deque(sizes)):
        taken.append(sum(step))
        size.note(max(step))
    return taken


def test_small_things_go_in_long_steps_once_some_were_seen() -> None:
    size = StepSize(_STEP_BYTES)
    assert len(_steps(size, [2_000] * 500)) <= 6
    assert len(_steps(size, [2_000] * 100)) == 1


def test_before_anything_was_seen_a_step_is_small() -> None:
    assert max(_steps(StepSize(_STEP_BYTES), [1024 * 1024] * 500)) <= _STEP_BYTES


def test_assets_that_a_setting_lets_be_larger_than_a_step_go_one_by_one() -> None:
    assert set(_steps(StepSize(_STEP_BYTES), [64 * 1024 * 1024] * 5)) == {64 * 1024 * 1024}


def test_only_the_first_step_of_large_things_takes_more_bytes() -> None:
    numbers, size = random.Random(7), StepSize(_STEP_BYTES)
    _steps(size, [2_000] * 500)
    first, *later = _steps(size, [numbers.choice([2_000, 1024 * 1024]) for _ in range(500)])
    assert first <= 128 * 1024 * 1024
    assert max(later) <= _STEP_BYTES


def test_one_large_thing_slows_down_a_few_steps_only() -> None:
    size = StepSize(_STEP_BYTES)
    size.note(1024 * 1024)
    assert len(_steps(size, [2_000] * 500)) <= 6
    assert len(_steps(size, [2_000] * 500)) == 4


def test_steps_hold_each_thing_once_and_in_order() -> None:
    size = StepSize(10)
    assert [thing for step in size.steps(deque(range(100))) for thing in step] == list(range(100))
    assert list(size.steps(deque())) == []


def test_what_a_step_leaves_over_comes_again() -> None:
    pending, steps = deque([1, 2, 3]), []
    for step in StepSize(10).steps(pending):
        steps.append(step)
        if len(steps) == 1:
            pending.extend(step)
    assert steps == [[1], [2], [3], [1]]
