"""What the store may forget of an asset's changes, and when."""

import uuid

import pytest

from amp.domain.retention import Retention

DAY_S = 86_400


def test_random_change_ids_are_kept_for_a_day_derived_ones_for_a_quarter() -> None:
    retention = Retention()
    assert retention.change_s(uuid.uuid4()) == DAY_S
    assert retention.change_s(uuid.uuid5(uuid.NAMESPACE_OID, "job and asset")) >= 90 * DAY_S


@pytest.mark.parametrize("repeated_s", [1.0, 90.0 * DAY_S, 400.0 * DAY_S])
def test_derived_change_ids_outlast_whatever_repeats_them(repeated_s: float) -> None:
    assert Retention.covering(1, repeated_s).derived_change_s >= max(repeated_s, 90 * DAY_S) + DAY_S


def test_no_change_id_is_kept_for_longer_than_cassandra_can() -> None:
    assert Retention.covering(1, float("inf")).derived_change_s == 20 * 365 * DAY_S


def test_never_fewer_revisions_are_kept_than_asked_for() -> None:
    retention = Retention(revisions_kept=250)
    left: set[int] = set()
    for revision in range(1, 1_001):
        left.add(revision)
        if (forgotten := retention.forgotten_revision(revision)) is not None:
            left -= set(range(forgotten + 1))
        assert left >= set(range(max(1, revision - 249), revision + 1))
        assert len(left) < 250 + 100
