"""Buckets that the bucket worker opens ahead of time and splits by itself."""

from typing import Any

import pytest

from amp.domain.moves import MoveKind
from amp.domain.principals import Principal
from amp.errors import Unprocessable
from amp.services.moves.autosplit import AutoSplit, BucketSizes
from tests.functional.moves.conftest import FIRST, PRINCIPAL, bucket_map, imported, indexed, moved
from tests.support.service.wired import Wired

NO_LIMIT = 2**60


def watch(environment: Wired, **sizes: Any) -> AutoSplit:
    a = environment.amp.adapters
    asked = {"roll_bytes": NO_LIMIT, "roll_documents": NO_LIMIT, "limit_bytes": NO_LIMIT, "split": True} | sizes
    maps = environment.amp.moves.planning.maps
    return AutoSplit(
        maps=maps,
        indices=a.indices,
        move_planning=environment.amp.moves.planning,
        clock=a.clock,
        sizes=BucketSizes(roll_lead_s=120.0, rate=None, **asked),
    )


def test_a_bucket_for_the_last_second_does_not_block_other_buckets(environment: Wired) -> None:
    indexed(environment, 3)
    last_s = 253_402_300_799  # 9999-12-31T23:59:59Z
    environment.amp.moves.planning.start(MoveKind.ROLL, FIRST, last_s, None, PRINCIPAL)
    moved(environment)
    now_s = environment.amp.adapters.clock.now_ms() // 1000
    name, at_s = environment.amp.moves.layout.next_start(None, Principal())
    assert name == FIRST
    assert now_s < at_s < now_s + 1_000
    assert watch(environment, roll_documents=3).check()
    moved(environment)
    assert [b.start_s for b in bucket_map(environment).buckets][::2] == [0, last_s]
    # The bucket of now ends soon: once is enough.
    assert not watch(environment, roll_documents=3).check()
    name, at_s = environment.amp.moves.layout.next_start(None, Principal())
    assert bucket_map(environment).bucket_at(at_s * 1000).start_s < at_s < last_s


def test_the_next_bucket_is_opened_ahead_of_time_once_the_newest_is_large(either: Wired) -> None:
    indexed(either, 3)
    assert not watch(either, roll_documents=4).check()
    assert not watch(either, roll_documents=4, roll_bytes=NO_LIMIT).check()
    watching, before_s = watch(either, roll_documents=3), either.amp.adapters.clock.now_ms() // 1000
    assert watching.check()
    assert not watching.check(), "one move at a time"
    moved(either)
    first, second = bucket_map(either).buckets
    assert before_s + 120 < second.start_s <= before_s + 200
    assert (first.start_s, len(either.seen())) == (0, 3)
    assert not watching.check(), "the newest has not even begun"


def test_the_next_bucket_is_opened_by_size_too(environment: Wired) -> None:
    indexed(environment)
    assert watch(environment, roll_bytes=1).check()
    moved(environment)
    assert len(bucket_map(environment).buckets) == 2


def test_a_bucket_past_the_limit_is_split_unless_that_is_disabled(environment: Wired) -> None:
    indexed(environment)
    lay_out(environment, 2_000_000_000)
    days_s = [1_600_000_000 + day * 86_400 for day in range(4)]
    imported(environment, days_s)
    assert not watch(environment, limit_bytes=1, split=False).check()
    assert not watch(environment).check()
    assert watch(environment, limit_bytes=1).check()
    moved(environment)
    assert len(bucket_map(environment).buckets) == 3
    assert len(environment.seen()) == 5


def test_the_newest_bucket_is_not_split_by_itself(environment: Wired) -> None:
    indexed(environment, 2)
    assert not watch(environment, limit_bytes=1).check()


def test_a_bucket_of_one_second_cannot_be_split_and_that_is_tried_once(environment: Wired) -> None:
    imported(environment, [1_600_000_000] * 3)
    lay_out(environment, 1_700_000_000)
    watching = watch(environment, limit_bytes=1)
    assert not watching.check()
    assert not watching.check()
    with pytest.raises(Unprocessable, match="within one second"):
        environment.amp.moves.planning.start(MoveKind.SPLIT, FIRST, None, None, PRINCIPAL)
    assert [job.kind for job in environment.amp.adapters.jobs.page(None, 10)] == ["roll"]


def test_a_one_sided_boundary_is_refused_and_a_better_one_proposed(environment: Wired) -> None:
    imported(environment, [1_600_000_000, 1_600_000_010])
    for at_s in (1_500_000_000, 1_600_000_000, 1_600_000_011):
        with pytest.raises(Unprocessable, match=r"one side of .* created before 2020-09-13T12:26:"):
            environment.amp.moves.planning.preview(MoveKind.SPLIT, FIRST, at_s, None, Principal())
    assert (
        environment.amp.moves.planning.preview(MoveKind.SPLIT, FIRST, 1_600_000_010, 4.0, Principal()).seconds == 0.25
    )


def lay_out(environment: Wired, start_s: int) -> None:
    assert environment.amp.moves.layout.open_next([start_s], None, PRINCIPAL).job is not None
    moved(environment)
