"""Fills the service over HTTP with assets created over a month."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from amp.domain.times import format_ms
from tests.support.service.api_client import TYPE, ApiClient

_MONTH_MS = 30 * 24 * 3600 * 1000
_BULK = 1_000
_AT_ONCE = 2


def load_assets(url: str, count: int) -> tuple[int, int]:
    """Between which times they were created, in milliseconds."""
    until_ms = time.time_ns() // 1_000_000
    born_ms = until_ms - _MONTH_MS, until_ms
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda numbers: _create(url, numbers, count, born_ms), _batches(count)))
    return born_ms


def _batches(count: int) -> Iterator[range]:
    for first in range(0, count, _BULK):
        yield range(first, min(first + _BULK, count))


def _create(url: str, numbers: range, count: int, born_ms: tuple[int, int]) -> None:
    begin_ms, end_ms = born_ms
    items = [
        {
            "type": TYPE,
            "name": f"loaded {n}",
            "created_at": format_ms(begin_ms + n * (end_ms - begin_ms) // count),
            "metadata": {"number": n, "mark": f"mark {n % 97}", "notes": "made before anything moved"},
        }
        for n in numbers
    ]
    with ApiClient(url, timeout_s=120) as api_client:
        api_client.create_many(items)
