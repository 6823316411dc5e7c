"""What can happen to the processes and servers while something moves, besides their end."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis

from amp.adapters.cassandra.session import CassandraSession, Mode
from amp.settings import Settings
from tests.support.service.processes import AmpProcess, Service

_AGAIN_S = 0.05
_CLIENT_S = 10
_JOIN_S = 30


class Chaos:
    """Reaches past the service for what nobody can do through it."""

    def __init__(self, settings: Settings, service: Service) -> None:
        self._session = CassandraSession(settings)
        self._redis = redis.Redis.from_url(settings.redis_url, socket_timeout=_CLIENT_S)
        self._map_key = f"{settings.redis_prefix}:bucket-map"
        #: Beside the service's own.
        self.second = AmpProcess("bucket2", ["worker", "bucket"], service.api.log.parent, service.env)

    def free_lease(self) -> None:
        """Whoever holds it believes so still; another worker need not wait for its end."""
        self._session.run("DELETE FROM {ks}.leases WHERE name = 'buckets' IF EXISTS", (), Mode.CONDITIONAL)

    def flush_cache(self) -> None:
        self._redis.delete(self._map_key)

    def cached_map(self) -> bytes | None:
        found = self._redis.get(self._map_key)
        assert found is None or isinstance(found, bytes)
        return found

    def cache_map(self, value: bytes) -> None:
        self._redis.set(self._map_key, value)

    def close(self) -> None:
        self.second.stop()
        self._redis.close()
        self._session.close()


@contextmanager
def over_and_over(act: Callable[[], None]) -> Iterator[None]:
    """`act` many times a second, while the block runs."""
    stop, failures = threading.Event(), []

    def run() -> None:
        while not stop.is_set():
            try:
                act()
            except Exception as e:  # noqa: BLE001 - shown by the test, whatever it is
                failures.append(repr(e))
                return
            stop.wait(_AGAIN_S)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_JOIN_S)
    assert failures == []
