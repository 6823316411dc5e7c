"""Which refill brings back all that another would."""

from dataclasses import replace

import pytest

from amp.domain.refills import Refill, refill_from_json, refill_json

DONE = Refill(index="amp-a-1", loss_generation=7, start_s=100, end_s=200)


@pytest.mark.parametrize(("start_s", "end_s"), [(100, 200), (150, 200), (100, 150), (120, 130)])
def test_a_refill_covers_each_part_of_its_range(start_s: int, end_s: int) -> None:
    assert DONE.covers(replace(DONE, start_s=start_s, end_s=end_s))
    assert replace(DONE, end_s=None).covers(replace(DONE, start_s=start_s, end_s=end_s))


@pytest.mark.parametrize(
    "other",
    [
        replace(DONE, start_s=99),
        replace(DONE, end_s=201),
        replace(DONE, end_s=None),
        replace(DONE, loss_generation=6),
        replace(DONE, loss_generation=8),
        replace(DONE, index="amp-a-2"),
    ],
)
def test_a_refill_covers_no_other_time_loss_or_index(other: Refill) -> None:
    assert not DONE.covers(other)


@pytest.mark.parametrize("end_s", [200, None])
def test_a_refill_survives_its_json_form(end_s: int | None) -> None:
    refill = replace(DONE, end_s=end_s)
    assert refill_from_json(refill_json(refill)) == refill
