"""What callers of the Redis cache see while Redis hangs or is away: little, and quickly."""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from amp.adapters.redis.cache import RedisCache
from amp.adapters.redis.component import RedisComponent
from amp.errors import CacheUnavailable
from amp.settings import Settings, load_settings
from tests.support.stack import Stack
from tests.support.stack.server import Server

pytestmark = pytest.mark.cluster


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Stack(tmp_path_factory.mktemp("redis"), only=("redis",)) as stack:
        yield stack.redis


@pytest.fixture
def settings(redis: Server) -> Settings:
    return load_settings({"redis_url": redis.address})


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_a_failing_cache_costs_one_wait_a_second_until_it_is_back(
    redis: Server, settings: Settings, fault: str
) -> None:
    with closing(RedisCache(settings)) as cache:
        cache.put("map", b"1", 60)
        getattr(redis, fault)()
        started = time.monotonic()
        with pytest.raises(CacheUnavailable):
            cache.get("map")
        assert time.monotonic() - started < 0.5
        started = time.monotonic()
        for _ in range(1000):
            with pytest.raises(CacheUnavailable):
                cache.put("map", b"2", 60)
        assert time.monotonic() - started < 0.5
        if fault == "pause":
            redis.resume()
        else:
            redis.start()
            redis.wait_ready()
        deadline = time.monotonic() + 10
        while True:
            try:
                cache.put("map", b"3", 60)
                break
            except CacheUnavailable:
                assert time.monotonic() < deadline, "the cache is not used again"
                time.sleep(0.05)
        assert cache.get("map") == b"3"


def test_a_late_answer_is_not_taken_for_that_of_a_later_question(redis: Server, settings: Settings) -> None:
    with closing(RedisCache(settings)) as cache:
        cache.put("one", b"1", 60)
        cache.put("two", b"2", 60)
        redis.pause()
        with pytest.raises(CacheUnavailable):
            cache.get("one")
        redis.resume()
        deadline = time.monotonic() + 10
        answer = None
        while answer is None:
            assert time.monotonic() < deadline
            try:
                answer = cache.get("two")
            except CacheUnavailable:
                time.sleep(0.05)
        assert answer == b"2"


def test_a_ping_reports_what_answered_and_no_password(redis: Server, settings: Settings) -> None:
    part = RedisComponent(settings)
    assert part.ping().startswith("Redis ")
    assert part.ping().endswith(f", redis://{redis.host}:{redis.port}/0")
    assert part.migrate() == part.pending() == []
    redis.kill()
    with pytest.raises(CacheUnavailable):
        part.ping()
    part.close()


def test_a_wrong_password_is_a_cache_that_does_not_answer(settings: Settings) -> None:
    wrong = load_settings(dict(settings) | {"redis_user": "nobody", "redis_password": "wrong"})
    with closing(RedisCache(wrong)) as cache, pytest.raises(CacheUnavailable):
        cache.get("map")
