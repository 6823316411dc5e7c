"""The bucket map: routing, names, and its JSON form."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.buckets import (
    Bucket,
    BucketMap,
    bucket_name,
    first_map,
    index_name,
    map_from_json,
    map_json,
)
from amp.domain.ids import mint_at

starts = st.lists(st.integers(1, 4_000_000_000), unique=True, max_size=30).map(lambda found: [0, *sorted(found)])


def map_of(starts_s: list[int], generation: int = 7) -> BucketMap:
    buckets = tuple(
        Bucket(start_s=s, index=index_name("amp", s, 1), token=n + 1, loss_generation=n % 3)
        for n, s in enumerate(starts_s)
    )
    return BucketMap(generation=generation, buckets=buckets)


@given(starts, st.integers(0, 4_100_000_000_000))
def test_a_time_belongs_to_the_last_bucket_that_started_by_then(starts_s: list[int], created_ms: int) -> None:
    bucket = map_of(starts_s).bucket_at(created_ms)
    assert bucket.start_s == max(s for s in starts_s if s * 1000 <= created_ms)


@given(starts)
def test_a_start_is_the_first_millisecond_of_its_bucket(starts_s: list[int]) -> None:
    bucket_map = map_of(starts_s)
    for position, start_s in enumerate(starts_s):
        assert bucket_map.bucket_at(start_s * 1000).start_s == start_s
        if position:
            assert bucket_map.bucket_at(start_s * 1000 - 1).start_s == starts_s[position - 1]
        end_ms = bucket_map.end_ms(position)
        assert end_ms == (starts_s[position + 1] * 1000 if position + 1 < len(starts_s) else None)


@given(starts, st.integers(0, (1 << 48) - 1))
def test_every_id_has_a_bucket_and_its_one_write_alias(starts_s: list[int], created_ms: int) -> None:
    bucket_map = map_of(starts_s)
    created_ms = mint_at(created_ms).int >> 80
    [alias] = bucket_map.write_aliases(created_ms)
    assert alias == bucket_map.bucket_at(created_ms).write_alias


@pytest.mark.parametrize("starts_s", [[], [1], [0, 0], [0, 5, 5], [0, 9, 5], [5, 0]])
def test_a_map_that_leaves_a_time_out_or_names_one_twice_is_refused(starts_s: list[int]) -> None:
    with pytest.raises(ValueError, match="starts"):
        map_of(starts_s)


def test_names_tell_the_start_and_the_generation() -> None:
    assert bucket_name(0) == "19700101000000"
    assert bucket_name(1_700_000_000) == "20231114221320"
    assert index_name("amp", 1_700_000_000, 12) == "amp-20231114221320-12"
    bucket = Bucket(start_s=0, index="amp-19700101000000-1", token=12)
    assert (bucket.name, bucket.write_alias) == ("19700101000000", "amp-19700101000000-1-w12")


def test_the_first_map_holds_all_of_time_in_one_bucket() -> None:
    bucket_map = first_map("amp")
    [bucket] = bucket_map.buckets
    assert bucket_map.generation == 1
    assert (bucket.start_s, bucket.index, bucket.token) == (0, "amp-19700101000000-1", 1)
    assert bucket_map.end_ms(0) is None
    assert bucket_map.bucket_at((1 << 48) - 1) is bucket


@given(starts, st.integers(1, 1_000))
def test_a_map_survives_its_json_form(starts_s: list[int], generation: int) -> None:
    bucket_map = map_of(starts_s, generation)
    again = map_from_json(json.loads(json.dumps(map_json(bucket_map))))
    assert again == bucket_map
    assert again.bucket_at(1_700_000_000_000) == bucket_map.bucket_at(1_700_000_000_000)


def test_a_map_that_has_only_a_loss_is_read() -> None:
    lost = {"start_s": 0, "index": "amp-19700101000000-3", "token": 3, "incomplete": True}
    whole = {"start_s": 5, "index": "amp-19700101000005-2", "token": 2}
    buckets = map_from_json({"generation": 4, "buckets": [lost, whole]}).buckets
    assert [(bucket.incomplete, bucket.loss_generation) for bucket in buckets] == [(True, 3), (False, 0)]


@pytest.mark.parametrize(
    "data", [{}, {"generation": 1, "buckets": []}, {"generation": 1, "buckets": [{"start_s": 0}]}, [], None]
)
def test_what_is_no_map_is_refused(data: object) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        map_from_json(data)  # type: ignore[arg-type]  # that is the point
