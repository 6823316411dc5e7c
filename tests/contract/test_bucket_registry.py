"""The contract of the bucket registry, over every adapter."""

import dataclasses
from functools import partial

import pytest

from amp.domain.buckets import Bucket, BucketMap, first_map, index_name
from amp.ports.bucket_registry import BucketRegistry
from amp.profiles import Adapters
from tests.support.asset_samples import at_once, unique


@pytest.fixture
def buckets(fresh_store_profile: Adapters) -> BucketRegistry:
    return fresh_store_profile.buckets


def after(old: BucketMap, mark: str, generation: int | None = None) -> BucketMap:
    """A map that can be distinguished from others of the same generation."""
    bucket = dataclasses.replace(old.buckets[0], index=mark)
    generation = old.generation + 1 if generation is None else generation
    return BucketMap(generation=generation, buckets=(bucket, *old.buckets[1:]))


def test_a_map_is_stored_only_over_the_generation_it_was_made_from(buckets: BucketRegistry) -> None:
    assert buckets.load() is None
    first = first_map("amp")
    assert not buckets.replace(after(first, "too early", generation=8), expected_generation=7)
    assert buckets.load() is None

    assert buckets.replace(first, expected_generation=0)
    assert buckets.load() == first
    assert not buckets.replace(after(first, "another", generation=1), expected_generation=0)
    assert buckets.load() == first

    second = after(first, "second")
    assert buckets.replace(second, expected_generation=1)
    assert not buckets.replace(after(first, "late", generation=3), expected_generation=1)
    assert buckets.load() == second


def test_generations_may_leave_numbers_out(buckets: BucketRegistry) -> None:
    first = first_map("amp")
    assert buckets.replace(first, expected_generation=0)
    later = after(first, "later", generation=9)
    assert buckets.replace(later, expected_generation=1)
    assert buckets.load() == later


def test_a_map_that_does_not_grow_in_generation_is_an_error(buckets: BucketRegistry) -> None:
    first = first_map("amp")
    buckets.replace(first, expected_generation=0)
    for generation in (1, 0):
        with pytest.raises(ValueError, match="generation"):
            buckets.replace(after(first, "same", generation=generation), expected_generation=1)
    assert buckets.load() == first


def test_a_map_of_ten_thousand_buckets_is_read_back(buckets: BucketRegistry) -> None:
    large = BucketMap(
        generation=3,
        buckets=tuple(Bucket(start_s=n * 3600, index=index_name("amp", n * 3600, 3), token=n) for n in range(10_000)),
    )
    assert buckets.replace(large, expected_generation=0)
    assert buckets.load() == large


def test_of_many_concurrent_replacers_exactly_one_succeeds(buckets: BucketRegistry) -> None:
    current = first_map("amp")
    buckets.replace(current, expected_generation=0)
    for _ in range(3):
        rivals = [after(current, unique("rival")) for _ in range(16)]
        done = at_once([partial(buckets.replace, rival, expected_generation=current.generation) for rival in rivals])
        assert done.count(True) == 1
        assert buckets.load() == rivals[done.index(True)]
        current = rivals[done.index(True)]


def test_of_many_concurrent_replacers_by_equal_maps_exactly_one_succeeds(buckets: BucketRegistry) -> None:
    first = first_map("amp")
    done = at_once([partial(buckets.replace, first, expected_generation=0)] * 12)
    assert done.count(True) == 1
