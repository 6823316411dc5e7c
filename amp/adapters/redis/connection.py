"""How clients of Redis are made, and what its errors mean here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from amp.errors import CacheUnavailable
from amp.settings import Settings


def connect(settings: Settings, timeout_s: float) -> redis.Redis:
    """Nothing is sent before the first command. A user and password of their own stand above those in the URL."""
    options: dict[str, Any] = {}
    if settings.redis_tls_ca is not None:
        options["ssl_ca_certs"] = str(settings.redis_tls_ca)
    client = redis.Redis.from_url(
        settings.redis_url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        # Trying again is what the timeout is there to avoid.
        retry=Retry(NoBackoff(), 0),
        **options,
    )
    # What the URL says wins over arguments.
    found = client.connection_pool.connection_kwargs
    if settings.redis_user is not None:
        found["username"] = settings.redis_user
    if settings.redis_password is not None:
        found["password"] = settings.redis_password.get_secret_value()
    return client


@contextmanager
def translated() -> Iterator[None]:
    """Turns the driver's errors into ours."""
    try:
        yield
    except (redis.RedisError, OSError) as e:
        raise CacheUnavailable(f"The cache does not answer: {e}") from e
