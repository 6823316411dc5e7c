"""What a write block on the index of a bucket keeps, in both profiles."""

import threading
import time
from collections.abc import Callable

from amp.ports.bucket_indices import AliasChange
from amp.ports.search_index import Put, WriteStatus
from tests.support.search.profiles import (
    SearchProfile,
    asset,
    head,
    make_search_profile,  # noqa: F401 - the fixture `search_profile`
    names,
)

DEADLINE_S = 30


def test_a_blocked_index_answers_busy_until_it_is_unblocked(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    search_profile.indices.block(bucket.index)
    search_profile.indices.block(bucket.index)
    assert [info.blocked for info in search_profile.indices.info()] == [True]
    assert search_profile.put(bucket, head(asset("waits")))[0].status is WriteStatus.BUSY
    search_profile.indices.unblock(bucket.index)
    search_profile.indices.unblock(bucket.index)
    assert [info.blocked for info in search_profile.indices.info()] == [False]
    assert search_profile.put(bucket, head(asset("waits")))[0].status is WriteStatus.DONE


def test_a_blocked_index_is_still_searched_and_its_aliases_still_change(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    search_profile.store(bucket, [head(asset("there"))])
    search_profile.indices.block(bucket.index)
    search_profile.indices.block(bucket.index)
    assert names(search_profile.search()) == ["there"]
    assert search_profile.indices.change_aliases(AliasChange(remove_write=((bucket.index, bucket.write_alias),)))


def test_a_block_returns_when_every_write_under_way_has_landed(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    done: list[int] = []
    refused = [threading.Event() for _ in range(4)]

    def write(mine: threading.Event) -> None:
        while not mine.is_set():
            puts = [Put(bucket.write_alias, head(asset("x", metadata={"takes": (1, 2)}))) for _ in range(40)]
            results = search_profile.index.put(puts)
            done.append(sum(result.status is WriteStatus.DONE for result in results))
            assert {result.status for result in results} <= {WriteStatus.DONE, WriteStatus.BUSY}
            if results[-1].status is WriteStatus.BUSY:
                mine.set()

    writers = [threading.Thread(target=write, args=[event]) for event in refused]
    for writer in writers:
        writer.start()
    wait_until(lambda: len(done) >= 8)
    search_profile.indices.block(bucket.index)
    search_profile.indices.refresh([bucket.index])
    landed = search_profile.documents_in(bucket.index)
    for writer in writers:
        writer.join(DEADLINE_S)
    search_profile.indices.refresh([bucket.index])
    assert all(event.is_set() for event in refused)
    assert landed == search_profile.documents_in(bucket.index) == sum(done) > 0


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
