"""Which buckets refuse writes is known for as long as it says anything about the next write, and no longer."""

from amp.adapters.embedded.cache import MemoryCache
from amp.services.buckets.refusals import RefusingBuckets
from tests.support.clock import ManualClock


def test_the_refusal_of_an_index_that_was_dropped_is_forgotten() -> None:
    clock = ManualClock()
    refusing = RefusingBuckets(cache=MemoryCache(), clock=clock)
    assert refusing.all_accept()
    refusing.refused("dropped", "it is read-only")
    clock.now_s += 6
    refusing.refused("dropped", "it is read-only")
    assert refusing.refuses("dropped")
    assert not refusing.all_accept()
    clock.now_s += 30
    refusing.refused("another", "it is read-only")
    clock.now_s += 31
    assert not refusing.all_accept()
    clock.now_s += 30
    assert refusing.all_accept()
