"""The contract of the ids that jobs were given, over every adapter; and how they are given out."""

import pytest

from amp.domain.ids import mint_at
from amp.errors import BadCursor, NotFound
from amp.ports.job_ids import JobIds
from amp.profiles import Adapters
from amp.services.jobs.listed_ids import ListedIds
from tests.support.asset_samples import id_version_1, id_version_6, now_ms


@pytest.fixture
def ids(store_profile: Adapters) -> JobIds:
    return store_profile.job_ids


def test_blocks_are_read_back_in_their_order_and_may_be_kept_again(ids: JobIds) -> None:
    job_id, other = mint_at(now_ms()), mint_at(now_ms())
    blocks = [[make(now_ms()) for make in (mint_at, id_version_1, id_version_6)], [mint_at(1)]]
    for _ in range(2):
        ids.keep(job_id, blocks)
        assert [ids.get(job_id, n) for n in range(3)] == [tuple(blocks[0]), tuple(blocks[1]), None]
    assert ids.get(other, 0) is None


def test_what_is_forgotten_is_gone_and_what_is_of_others_is_not(ids: JobIds) -> None:
    gone, left, block = mint_at(now_ms()), mint_at(now_ms()), [mint_at(now_ms())]
    for job_id in (gone, left):
        ids.keep(job_id, [block, block])
    for _ in range(2):
        ids.forget(gone)
        assert (ids.get(gone, 0), ids.get(gone, 1)) == (None, None)
    assert ids.get(left, 1) == tuple(block)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 8, 9])
@pytest.mark.parametrize("limit", [1, 3, 4, 100])
def test_pages_of_any_size_give_each_id_once(
    ids: JobIds, monkeypatch: pytest.MonkeyPatch, count: int, limit: int
) -> None:
    monkeypatch.setattr("amp.services.jobs.listed_ids.BLOCK", 4)
    listed, job_id = ListedIds(ids=ids), mint_at(now_ms())
    given = [mint_at(n) for n in range(count)]
    assert listed.keep(job_id, given) == count
    found, position, pages = [], None, 0
    while pages == 0 or position is not None:
        page = listed.page(job_id, position, limit)
        assert len(page.ids) <= limit
        found += page.ids
        position = page.position
        pages += 1
    assert found == given


def test_ids_that_are_gone_and_places_that_are_none_are_errors(ids: JobIds) -> None:
    listed, job_id = ListedIds(ids=ids), mint_at(now_ms())
    with pytest.raises(NotFound):
        listed.page(job_id, None, 10)
    listed.keep(job_id, [mint_at(1)])
    with pytest.raises(BadCursor):
        listed.page(job_id, "x:y", 10)
