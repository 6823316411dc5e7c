"""The contract of the ids that selections of jobs find, over every adapter."""

import pytest

from amp.domain.ids import mint_at
from amp.ports.found_ids import FoundIds
from amp.profiles import Adapters
from tests.support.asset_samples import id_version_1, id_version_6, now_ms


@pytest.fixture
def found(store_profile: Adapters) -> FoundIds:
    return store_profile.found_ids


def test_ids_of_each_day_are_a_set_that_is_read_in_pages(found: FoundIds) -> None:
    job_id, other = mint_at(now_ms()), mint_at(now_ms())
    ids = [make(now_ms()) for make in (mint_at, id_version_1, id_version_6) for _ in range(4)]
    found.add(job_id, 20_000, ids[:7])
    found.add(job_id, 20_003, ids[7:])
    found.add(job_id, 20_000, ids[5:7])
    found.add(job_id, 20_003, [])
    found.add(other, 20_000, ids[7:])
    for limit in (1, 3, 7, 8):
        pages, after = [], None
        while not pages or len(pages[-1]) == limit:
            pages.append(found.page(job_id, 20_000, after, limit))
            after = pages[-1][-1] if pages[-1] else None
        read = [asset_id for page in pages for asset_id in page]
        assert (len(read), set(read)) == (7, set(ids[:7]))
    assert set(found.page(job_id, 20_003, None, 10)) == set(ids[7:])
    assert found.page(job_id, 20_001, None, 10) == ()


def test_whether_ids_are_among_those_of_a_day(found: FoundIds) -> None:
    job_id = mint_at(now_ms())
    ids = [mint_at(now_ms()) for _ in range(1_200)]
    found.add(job_id, 20_000, ids[::2])
    assert found.among(job_id, 20_000, ids) == set(ids[::2])
    assert found.among(job_id, 20_001, ids) == frozenset()
    assert found.among(job_id, 20_000, []) == frozenset()


def test_the_first_day_with_ids(found: FoundIds) -> None:
    job_id = mint_at(now_ms())
    assert found.first_day(job_id, 0) is None
    for day in (20_001, 20_000, 20_005):
        found.add(job_id, day, [mint_at(now_ms())])
    days = [found.first_day(job_id, day) for day in (0, 20_000, 20_001, 20_002, 20_005, 20_006)]
    assert days == [20_000, 20_000, 20_001, 20_005, 20_005, None]


def test_ids_of_a_job_are_forgotten_and_those_of_others_are_not(found: FoundIds) -> None:
    gone, left, asset_id = mint_at(now_ms()), mint_at(now_ms()), mint_at(now_ms())
    for job_id in (gone, left):
        found.add(job_id, 20_000, [asset_id])
    for _ in range(2):
        found.forget(gone)
        assert (found.first_day(gone, 0), found.page(gone, 20_000, None, 10)) == (None, ())
    assert found.page(left, 20_000, None, 10) == (asset_id,)
