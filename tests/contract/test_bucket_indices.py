"""What the indices behind the buckets keep, in both profiles: atomic alias changes, draining blocks, hiding filters."""

import threading
import time
from collections.abc import Callable

import pytest

from amp.domain.assets import State
from amp.domain.criteria import EntryExists, NotOf, SortBy
from amp.errors import NotFound
from amp.ports.bucket_documents import TimeRange
from amp.ports.bucket_indices import AliasChange, ReadFilter
from amp.ports.search_index import WriteStatus
from tests.support.search.profiles import (
    NEW_YEAR_MS,
    SearchProfile,
    asset,
    head,
    make_search_profile,  # noqa: F401 - the fixture `search_profile`
    names,
)

NEW_YEAR_S = NEW_YEAR_MS // 1000
DEADLINE_S = 30


def test_an_index_is_made_once_and_is_in_no_alias(search_profile: SearchProfile) -> None:
    index = search_profile.new_index()
    assert search_profile.indices.info() == []
    assert search_profile.indices.create(index)
    assert not search_profile.indices.create(index)
    (info,) = search_profile.indices.info()
    assert (info.index, info.write_aliases, info.read, info.blocked, info.documents) == (index, (), None, False, 0)


def test_making_an_index_again_keeps_what_it_holds(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    search_profile.store(bucket, [head(asset("kept"))])
    assert not search_profile.indices.create(bucket.index)
    assert names(search_profile.search()) == ["kept"]


def test_a_dropped_index_is_gone_with_its_aliases_and_a_repeat_is_fine(
    search_profile: SearchProfile,
) -> None:
    bucket, other = search_profile.bucket(), search_profile.bucket(NEW_YEAR_S)
    search_profile.store(bucket, [head(asset("lost"))])
    search_profile.indices.drop(bucket.index)
    search_profile.indices.drop(bucket.index)
    assert [info.index for info in search_profile.indices.info()] == [other.index]
    assert search_profile.search().total == 0
    assert search_profile.put(bucket, head(asset()))[0].status is WriteStatus.STALE


def test_searches_see_the_indices_of_the_read_alias_until_they_are_dropped(search_profile: SearchProfile) -> None:
    assert search_profile.indices.searched() == frozenset()
    search_profile.indices.create(search_profile.new_index())
    bucket, other = search_profile.bucket(), search_profile.bucket(NEW_YEAR_S)
    assert search_profile.indices.searched() == {bucket.index, other.index}
    search_profile.indices.drop(bucket.index)
    assert search_profile.indices.searched() == {other.index}


def test_info_reports_aliases_filter_and_sizes_by_name(search_profile: SearchProfile) -> None:
    old, new = search_profile.bucket(0, NEW_YEAR_S, token=3), search_profile.bucket(NEW_YEAR_S, token=4)
    search_profile.store(new, [head(asset("one", metadata={"takes": (1, 2, 3)})), head(asset("two"))])
    infos = search_profile.indices.info()
    assert [info.index for info in infos] == sorted([old.index, new.index])
    assert [info.write_aliases for info in infos] == [(old.write_alias,), (new.write_alias,)]
    assert [info.read for info in infos] == [
        ReadFilter(old.index, 0, NEW_YEAR_MS),
        ReadFilter(new.index, NEW_YEAR_MS, None),
    ]
    assert [info.documents for info in infos] == [0, 2], "nested entries are no documents"
    assert infos[1].bytes > 0


def test_info_counts_no_tombstones(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    gone = asset("gone")
    search_profile.store(bucket, [head(gone), head(asset("here"))])
    search_profile.store(bucket, [head(asset(asset_id=gone.id, revision=2, state=State.DELETED))])
    assert search_profile.documents_in(bucket.index) == 1


def test_rotating_a_write_alias_refuses_writers_of_the_old_one(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket(token=1)
    rotated = f"{bucket.index}-w2"
    change = AliasChange(remove_write=((bucket.index, bucket.write_alias),), add_write=((bucket.index, rotated),))
    assert search_profile.indices.change_aliases(change)
    assert search_profile.put(bucket, head(asset("late")))[0].status is WriteStatus.STALE
    assert search_profile.put(rotated, head(asset("current")))[0].status is WriteStatus.DONE
    assert not search_profile.indices.change_aliases(change), "it is a compare-and-set: the second one finds nothing"


def test_a_change_that_misses_a_write_alias_changes_nothing_at_all(search_profile: SearchProfile) -> None:
    bucket, target = search_profile.bucket(token=1), search_profile.new_index(NEW_YEAR_S)
    search_profile.indices.create(target)
    search_profile.store(bucket, [head(asset("early", at=-5000)), head(asset("late"))])
    before = search_profile.indices.info()
    refused = AliasChange(
        remove_write=((bucket.index, bucket.write_alias), (bucket.index, f"{bucket.index}-w9")),
        add_write=((bucket.index, f"{bucket.index}-w2"), (target, f"{target}-w2")),
        set_read=(ReadFilter(bucket.index, 0, NEW_YEAR_MS), ReadFilter(target, NEW_YEAR_MS, None)),
    )
    assert not search_profile.indices.change_aliases(refused)
    assert [(i.index, i.write_aliases, i.read) for i in search_profile.indices.info()] == [
        (i.index, i.write_aliases, i.read) for i in before
    ]
    assert search_profile.search().total == 2


def test_a_change_that_names_an_index_that_is_not_there_is_refused_whole(search_profile: SearchProfile) -> None:
    bucket, missing = search_profile.bucket(), search_profile.new_index()
    for change in (
        AliasChange(remove_write=((bucket.index, bucket.write_alias),), add_write=((missing, f"{missing}-w1"),)),
        AliasChange(set_read=(ReadFilter(missing, 0, None),), remove_read=(bucket.index,)),
    ):
        with pytest.raises(NotFound):
            search_profile.indices.change_aliases(change)
    (info,) = search_profile.indices.info()
    assert info.write_aliases == (bucket.write_alias,)
    assert info.read is not None


def test_an_index_out_of_the_read_alias_is_hidden_and_a_repeat_is_fine(search_profile: SearchProfile) -> None:
    bucket, other = search_profile.bucket(), search_profile.bucket(NEW_YEAR_S)
    search_profile.store(bucket, [head(asset("hidden"))])
    for _ in range(2):
        assert search_profile.indices.change_aliases(AliasChange(remove_read=(bucket.index,)))
    assert search_profile.search().total == 0
    both = AliasChange(remove_read=(bucket.index,), set_read=(ReadFilter(other.index, NEW_YEAR_MS, None),))
    assert search_profile.indices.change_aliases(both)


def test_an_alias_both_removed_and_added_is_only_looked_for(search_profile: SearchProfile) -> None:
    bucket, target = search_profile.bucket(token=1), search_profile.new_index(NEW_YEAR_S)
    search_profile.indices.create(target)
    there, added = (bucket.index, bucket.write_alias), (target, f"{target}-w2")
    assert search_profile.indices.change_aliases(AliasChange(remove_write=(there,), add_write=(there, added)))
    assert {info.index: info.write_aliases for info in search_profile.indices.info()} == {
        bucket.index: (bucket.write_alias,),
        target: (f"{target}-w2",),
    }
    assert search_profile.put(bucket, head(asset("still")))[0].status is WriteStatus.DONE
    missing, more = (bucket.index, f"{bucket.index}-w9"), (target, f"{target}-w3")
    assert not search_profile.indices.change_aliases(AliasChange(remove_write=(missing,), add_write=(missing, more)))
    assert {alias for info in search_profile.indices.info() for alias in info.write_aliases} == {there[1], added[1]}


def test_an_empty_change_is_done_at_once(search_profile: SearchProfile) -> None:
    assert search_profile.indices.change_aliases(AliasChange())


def test_a_narrowed_filter_replaces_the_one_before(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    search_profile.store(bucket, [head(asset("early", at=-1)), head(asset("boundary", at=0))])
    assert search_profile.indices.change_aliases(AliasChange(set_read=(ReadFilter(bucket.index, 0, NEW_YEAR_MS),)))
    assert names(search_profile.search()) == ["early"]


def test_every_search_sees_a_range_once_while_it_switches_indices(
    search_profile: SearchProfile,
) -> None:
    source, target = search_profile.bucket(), search_profile.new_index(NEW_YEAR_S)
    search_profile.indices.create(target)
    documents = [head(asset(str(n), at=n)) for n in range(-10, 10)]
    search_profile.store(source, documents)
    assert search_profile.indices.change_aliases(AliasChange(add_write=((target, f"{target}-w1"),)))
    search_profile.put(f"{target}-w1", *documents)
    search_profile.indices.refresh([target])
    there = AliasChange(set_read=(ReadFilter(source.index, 0, NEW_YEAR_MS), ReadFilter(target, NEW_YEAR_MS, None)))
    back = AliasChange(set_read=(ReadFilter(source.index, 0, None),), remove_read=(target,))
    totals: set[int] = set()
    stop = threading.Event()

    def search_on() -> None:
        while not stop.is_set():
            totals.add(search_profile.search().total)

    searcher = threading.Thread(target=search_on)
    searcher.start()
    for change in (there, back) * 5:
        assert search_profile.indices.change_aliases(change)
    stop.set()
    searcher.join()
    assert totals == {20}


def test_what_is_not_there_cannot_be_blocked_unblocked_served_or_reclaimed(search_profile: SearchProfile) -> None:
    indices = search_profile.indices
    for call in (indices.block, indices.unblock, indices.reclaim, lambda index: indices.serve(index, 1.0)):
        with pytest.raises(NotFound):
            call(search_profile.new_index())


def test_an_index_for_loading_refreshes_by_itself_once_it_serves(
    search_profile: SearchProfile,
) -> None:
    index = search_profile.new_index()
    assert search_profile.indices.create(index, loading=True)
    assert not search_profile.indices.create(index, loading=True)
    opened = AliasChange(add_write=((index, f"{index}-w1"),), set_read=(ReadFilter(index, 0, None),))
    assert search_profile.indices.change_aliases(opened)
    assert search_profile.put(f"{index}-w1", head(asset("loaded")))[0].status is WriteStatus.DONE
    for _ in range(2):
        assert search_profile.indices.serve(index, 10.0)
    assert search_profile.put(f"{index}-w1", head(asset("served")))[0].status is WriteStatus.DONE
    wait_until(lambda: search_profile.search().total == 2)


def test_reclaiming_space_leaves_what_is_there(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    search_profile.store(bucket, [head(asset(str(n), at=n)) for n in range(10)])
    some = search_profile.documents.page(bucket.index, TimeRange(0), limit=7)
    search_profile.documents.delete(bucket.write_alias, some)
    search_profile.indices.refresh([bucket.index])
    search_profile.indices.reclaim(bucket.index)
    assert names(search_profile.search()) == ["9", "8", "7"]


def test_after_a_refresh_searches_see_every_earlier_write(search_profile: SearchProfile) -> None:
    first, second = search_profile.bucket(0, NEW_YEAR_S), search_profile.bucket(NEW_YEAR_S)
    one, two = asset("one", at=-1), asset("two", at=1)
    search_profile.put(first, head(one))
    search_profile.put(second, head(two))
    search_profile.indices.refresh([first.index, second.index])
    assert names(search_profile.search()) == ["two", "one"]
    assert search_profile.index.visible([one.id, two.id], "s") == {one.id: 1, two.id: 1}


def test_refreshing_nothing_is_fine(search_profile: SearchProfile) -> None:
    search_profile.indices.refresh([])


def test_a_misplaced_document_is_invisible_to_nested_conditions_and_sorts(
    search_profile: SearchProfile,
) -> None:
    old, new = search_profile.bucket(0, NEW_YEAR_S), search_profile.bucket(NEW_YEAR_S)
    moved = asset("moved", at=5, metadata={"codec": "h264"})
    search_profile.store(old, [head(moved)])
    search_profile.store(new, [head(moved)])
    by_codec = (SortBy(root=None, key="codec", descending=False),)
    assert names(search_profile.search(sort=by_codec)) == ["moved"]
    assert names(search_profile.search(EntryExists("codec"), sort=by_codec)) == ["moved"]
    assert search_profile.search(NotOf(EntryExists("codec")), sort=by_codec).total == 0
    assert search_profile.documents_in(old.index) == 1, "it is there, and yet no search sees it"


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
