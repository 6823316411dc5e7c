"""Which buckets refuse writes is known for as long as it says anything about the next write, and no longer."""

from amp.adapters.embedded.cache import MemoryCache
from amp.services.buckets.refusals import RefusingBuckets


class _Clock:
    at_s = 0.0

    def monotonic_s(self) -> float:
        return self.at_s

    def now_ms(self) -> int:
        return int(self.at_s * 1000)


def test_the_refusal_of_an_index_that_was_dropped_is_forgotten() -> None:
    clock = _Clock()
    refusing = RefusingBuckets(cache=MemoryCache(), clock=clock)  # type: ignore[arg-type]
    assert refusing.all_accept()
    refusing.refused("dropped", "it is read-only")
    clock.at_s += 6
    refusing.refused("dropped", "it is read-only")
    assert refusing.refuses("dropped")
    assert not refusing.all_accept()
    clock.at_s += 30
    refusing.refused("another", "it is read-only")
    clock.at_s += 31
    assert not refusing.all_accept()
    clock.at_s += 30
    assert refusing.all_accept()
