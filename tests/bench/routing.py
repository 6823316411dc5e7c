"""How long it takes to find an id's bucket among ten thousand."""

from time import perf_counter

from amp.domain.buckets import Bucket, BucketMap, index_name
from amp.domain.ids import mint_at
from tests.bench.figures import Figure

_BUCKETS, _LOOKUPS = 10_000, 200_000


def measure() -> Figure:
    buckets = tuple(Bucket(start_s=n * 3600, index=index_name("amp", n * 3600, 1), token=1) for n in range(_BUCKETS))
    bucket_map = BucketMap(generation=1, buckets=buckets)
    times = [mint_at(n * 3600_000 * _BUCKETS // _LOOKUPS).int >> 80 for n in range(_LOOKUPS)]
    find = bucket_map.bucket_at
    began = perf_counter()
    for created_ms in times:
        find(created_ms)
    each_us = (perf_counter() - began) / _LOOKUPS * 1e6
    return Figure(
        what="routing an id, 10,000 buckets",
        measured=each_us,
        unit="µs",
        bound=1,
        at_least=False,
        detail="mean look-up",
    )
