"""Reading past tombstones part by part: everything once and in order, in few reads."""

import random
from uuid import UUID

import pytest
from cassandra import ReadFailure

from amp.adapters.cassandra.errors import TooManyTombstones, translation
from amp.adapters.cassandra.id_order import after, between, between_any, parts_of
from amp.adapters.cassandra.reads_in_parts import KeyRange, ReadResult, read_in_parts
from amp.domain.ids import mint_at
from tests.support.asset_samples import id_version_1, id_version_6

DAY_MS = 86_400_000


def cassandra_order(asset_id: UUID) -> tuple[int, ...]:
    """As `UUIDType` compares: version, then time, then the rest."""
    value, version = asset_id.int, asset_id.int >> 76 & 0xF
    if version == 1:
        return version, (value >> 64 & 0xFFF) << 48 | (value >> 80 & 0xFFFF) << 32 | value >> 96, value & (1 << 64) - 1
    return version, value, 0


class SparsePartition:
    """Ids, some removed: a read that passes more than `most` of those fails."""

    def __init__(self, live: set[UUID], removed: set[UUID], most: int) -> None:
        self._ids = sorted(live | removed, key=cassandra_order)
        self._live = live
        self._most = most
        self.reads = 0

    def read(self, part: KeyRange[UUID], limit: int) -> list[UUID]:
        self.reads += 1
        begin, end = cassandra_order(part.begin), cassandra_order(part.end)
        found: list[UUID] = []
        passed = 0
        for id_ in self._ids:
            if begin < cassandra_order(id_) <= end and len(found) < limit:
                passed += id_ not in self._live
                found += [id_] if id_ in self._live else []
                if passed > self._most:
                    raise TooManyTombstones
        return found


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("limit", [1, 13, 1_000])
def test_every_id_of_a_day_comes_once_and_in_order(seed: int, limit: int) -> None:
    rng = random.Random(seed)
    begin_ms = 20_000 * DAY_MS
    makers = [id_version_1, id_version_6, mint_at, lambda _: mint_at(begin_ms + 7)]
    times = [begin_ms, begin_ms + DAY_MS - 1, *(begin_ms + rng.randrange(DAY_MS) for _ in range(600))]
    ids = [rng.choice(makers)(ms) for ms in times]
    live = {id_ for id_ in ids if rng.random() < 0.05}
    partition = SparsePartition(live, set(ids) - live, most=20)

    found: list[UUID] = []
    parts = parts_of(begin_ms, begin_ms + DAY_MS)
    for _ in range(1_000):
        page: ReadResult[UUID, UUID] = read_in_parts(partition.read, parts, between, limit, max_reads=6)
        found += page.rows
        last = page.rows[-1] if len(page.rows) == limit else page.read_to
        if last is None:
            break
        parts = after(parts, last)

    assert found == sorted(live, key=cassandra_order), f"seed {seed}"


def test_few_reads_are_wasted_on_parts_that_are_too_large() -> None:
    begin_ms = 20_000 * DAY_MS
    ids = {mint_at(begin_ms + n * 1_000) for n in range(10_000)}
    partition = SparsePartition(set(), ids, most=1_000)
    read_in_parts(partition.read, parts_of(begin_ms, begin_ms + DAY_MS), between, 100)
    assert partition.reads <= 2 + 2 * 10 * 4


def test_a_part_that_cannot_be_cut_is_given_up_with_its_reason() -> None:
    begin_ms = 20_000 * DAY_MS
    # Of version 1 and one tick.
    partition = SparsePartition(set(), {id_version_1(begin_ms) for _ in range(10)}, most=5)
    with pytest.raises(TooManyTombstones):
        read_in_parts(partition.read, parts_of(begin_ms, begin_ms + DAY_MS), between, 100)


@pytest.mark.parametrize(("codes", "expected"), [({"127.0.0.1": 1}, True), ({"127.0.0.1": 0}, False), (None, False)])
def test_only_the_server_s_own_reason_counts_as_too_many_tombstones(
    codes: dict[str, int] | None, expected: bool
) -> None:
    error = ReadFailure("read failed", consistency=6, required_responses=1, received_responses=0, failures=1)
    error.error_code_map = codes
    assert isinstance(translation(error), TooManyTombstones) is expected


@pytest.mark.parametrize("seed", range(5))
def test_an_id_between_any_two_comes_after_the_one_and_before_the_other(seed: int) -> None:
    rng = random.Random(seed)
    begin_ms = 20_000 * DAY_MS
    makers = [id_version_1, id_version_6, mint_at, lambda _: UUID(int=0)]
    for _ in range(500):
        ids = [rng.choice(makers)(begin_ms + rng.randrange(DAY_MS)) for _ in range(2)]
        low, high = sorted(ids, key=cassandra_order)
        end = None if rng.random() < 0.2 else high
        middle = between_any(low, end)
        if middle is not None:
            assert cassandra_order(low) < cassandra_order(middle), f"seed {seed}"
            assert end is None or cassandra_order(middle) < cassandra_order(high), f"seed {seed}"
        else:
            assert end is not None, f"seed {seed}"
            assert low == high or cassandra_order(low)[:2] == cassandra_order(high)[:2], f"seed {seed}"
