"""Ids: what is accepted, the time in them, and minting."""

import threading
import uuid
from datetime import UTC, datetime
from itertools import pairwise

import pytest
import uuid6
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.ids import IdMint, created_ms, mint_at, parse_id
from amp.errors import InvalidId

#: The example of RFC 9562, A.6: 2022-02-22 19:22:22 UTC.
RFC_V7 = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
RFC_V6 = "1ec9414c-232a-6b00-b3c8-9f6bdeced846"
RFC_V1 = "c232ab00-9414-11ec-b3c8-9f6bdeced846"
RFC_MS = int(datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC).timestamp() * 1000)

TICKS_1582_TO_1970 = 0x01B21DD213814000


def from_ticks(version: int, ticks: int) -> uuid.UUID:
    """An id of version 1 or 6 with that many 100 ns since 1582."""
    if version == 1:
        high = (ticks & 0xFFFFFFFF) << 96 | (ticks >> 32 & 0xFFFF) << 80 | (ticks >> 48) << 64
    else:
        high = (ticks >> 12) << 80 | (ticks & 0xFFF) << 64
    return uuid.UUID(int=high | version << 76 | 0b10 << 62 | 0x123456789AB)


@pytest.mark.parametrize("text", [RFC_V1, RFC_V6, RFC_V7, RFC_V7.upper()])
def test_the_examples_of_the_standard_tell_their_time(text: str) -> None:
    asset_id = parse_id(text)
    assert str(asset_id) == text.lower()
    assert created_ms(asset_id) == RFC_MS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        RFC_V7[:-1],
        RFC_V7 + "0",
        RFC_V7.replace("-", ""),
        "{" + RFC_V7[1:-1] + "}",
        "urn:uuid:" + RFC_V7,
        RFC_V7.replace("7f", "_f", 1),
        "017_22e2" + RFC_V7[8:],
        " 17f22e2" + RFC_V7[8:],
        "+17f22e2" + RFC_V7[8:],
        "٠17f22e2" + RFC_V7[8:],
        RFC_V7[:-1] + "\n",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        str(uuid.uuid5(uuid.NAMESPACE_DNS, "amp")),
        str(uuid.UUID(int=0)),
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        RFC_V7[:19] + "c" + RFC_V7[20:],  # variant of Microsoft
        str(from_ticks(1, TICKS_1582_TO_1970 - 1)),
        str(from_ticks(6, TICKS_1582_TO_1970 - 1)),
    ],
)
def test_anything_but_a_time_uuid_since_1970_is_refused(text: str) -> None:
    with pytest.raises(InvalidId):
        parse_id(text)


@given(st.integers(0, (1 << 48) - 1))
def test_an_id_minted_at_a_time_has_that_time(ms: int) -> None:
    asset_id = mint_at(ms)
    assert created_ms(asset_id) == ms
    assert asset_id.version == 7
    assert parse_id(str(asset_id)) == asset_id


@pytest.mark.parametrize("ms", [-1, 1 << 48])
def test_no_id_is_minted_at_a_time_it_cannot_hold(ms: int) -> None:
    with pytest.raises(InvalidId):
        mint_at(ms)


@given(st.sampled_from([1, 6]), st.integers(TICKS_1582_TO_1970, (1 << 60) - 1))
def test_ids_of_versions_1_and_6_tell_whole_milliseconds(version: int, ticks: int) -> None:
    assert created_ms(from_ticks(version, ticks)) == (ticks - TICKS_1582_TO_1970) // 10_000


def test_ids_made_by_the_standard_library_and_uuid6_tell_the_present_time() -> None:
    before = int(datetime.now(UTC).timestamp() * 1000)
    made = [uuid.uuid1(), uuid6.uuid6(), uuid6.uuid7()]
    after = int(datetime.now(UTC).timestamp() * 1000)
    # uuid6 counts up by a millisecond where two ids fall into one.
    assert all(before <= created_ms(asset_id) <= after + 1 for asset_id in made)


class _Readings:
    """The times that a clock shows one after the other, the last one for good."""

    def __init__(self, *times_ms: int) -> None:
        self._times_ms = list(times_ms)

    def __call__(self) -> int:
        return self._times_ms.pop(0) if len(self._times_ms) > 1 else self._times_ms[0]


@given(st.lists(st.integers(1_700_000_000_000, 1_700_000_000_005), min_size=1, max_size=50))
def test_minted_ids_increase_and_are_never_ahead_of_any_clock(times_ms: list[int]) -> None:
    mint = IdMint(_Readings(*times_ms), 60_000)
    ids = [mint.mint() for _ in range(len(times_ms) + 5)]
    assert all(a < b for a, b in pairwise(ids))
    for position, asset_id in enumerate(ids):
        assert created_ms(asset_id) == max(times_ms[: position + 1])


_DAY_MS = 86_400_000


def test_ids_follow_the_clock_back_after_a_jump_of_a_day() -> None:
    now_ms = 1_700_000_000_000
    mint = IdMint(_Readings(now_ms, now_ms + _DAY_MS, now_ms + 5), 60_000)
    assert [created_ms(mint.mint()) - now_ms for _ in range(3)] == [0, _DAY_MS, 5]


def test_ids_stay_in_order_while_the_clock_is_back_by_less_than_is_allowed() -> None:
    now_ms = 1_700_000_000_000
    mint = IdMint(_Readings(now_ms, now_ms - 60_000), 60_000)
    first, second = mint.mint(), mint.mint()
    assert first < second
    assert created_ms(second) == now_ms


def test_ten_thousand_ids_fit_into_one_millisecond() -> None:
    mint = IdMint(lambda: 1_700_000_000_000, 60_000)
    ids = [mint.mint() for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert {created_ms(asset_id) for asset_id in ids} == {1_700_000_000_000}
    assert {asset_id.version for asset_id in ids} == {7}


def test_threads_never_mint_the_same_id_and_each_sees_its_own_increase() -> None:
    mint = IdMint(lambda: 1_700_000_000_000, 60_000)
    minted: list[list[uuid.UUID]] = [[] for _ in range(8)]

    def work(mine: list[uuid.UUID]) -> None:
        mine.extend(mint.mint() for _ in range(2_000))

    threads = [threading.Thread(target=work, args=(mine,)) for mine in minted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({asset_id for mine in minted for asset_id in mine}) == 16_000
    assert all(mine == sorted(mine) for mine in minted)
