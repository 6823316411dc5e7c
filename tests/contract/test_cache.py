"""What every cache keeps: values for a while, as bytes, under their key."""

import time
import uuid
from collections.abc import Iterator

import pytest

from amp.ports.cache import Cache
from amp.settings import load_settings


@pytest.fixture(params=["embedded", pytest.param("redis", marks=pytest.mark.cluster)])
def cache(request: pytest.FixtureRequest) -> Iterator[Cache]:
    if request.param == "embedded":
        from amp.adapters.embedded.cache import MemoryCache

        yield MemoryCache()
        return
    from amp.adapters.redis.cache import RedisCache

    values = {name.removeprefix("AMP_").lower(): v for name, v in request.getfixturevalue("cluster_settings").items()}
    redis_cache = RedisCache(load_settings(values | {"redis_prefix": f"test_{uuid.uuid4().hex[:12]}"}))
    yield redis_cache
    redis_cache.close()


def test_a_value_is_found_under_its_key(cache: Cache) -> None:
    cache.put("map", b"\x00\xff\r\n", 60)
    assert cache.get("map") == b"\x00\xff\r\n"


def test_an_unknown_key_has_no_value(cache: Cache) -> None:
    cache.put("map", b"1", 60)
    assert cache.get("other") is None


def test_an_empty_value_is_a_value(cache: Cache) -> None:
    cache.put("map", b"", 60)
    assert cache.get("map") == b""


def test_a_later_value_replaces_an_earlier_one(cache: Cache) -> None:
    cache.put("map", b"1", 60)
    cache.put("map", b"2", 60)
    assert cache.get("map") == b"2"


def test_a_value_is_forgotten_after_its_time(cache: Cache) -> None:
    cache.put("short", b"1", 1)
    cache.put("long", b"2", 60)
    deadline = time.monotonic() + 5
    while cache.get("short") is not None:
        assert time.monotonic() < deadline, "the value outlived its time"
        time.sleep(0.05)
    assert cache.get("long") == b"2"


def test_any_text_is_a_key(cache: Cache) -> None:
    cache.put("ключ with spaces:\n", b"1", 60)
    assert cache.get("ключ with spaces:\n") == b"1"
