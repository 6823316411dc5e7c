"""The creation of Redis clients, and the translation of Redis's errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from amp.errors import CacheUnavailable
from amp.settings import Settings


def connect(settings: Settings, timeout_s: float) -> redis.Redis:
    """Return a client, which sends nothing before its first command. The user and password of their own settings take
    precedence over those in the URL.
    """
    options: dict[str, Any] = {}
    if settings.redis_tls_ca is not None:
        options["ssl_ca_certs"] = str(settings.redis_tls_ca)
    client = redis.Redis.from_url(
        settings.redis_url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        # A retry would exceed the timeout.
        retry=Retry(NoBackoff(), 0),
        **options,
    )
    # Values in the URL override arguments, so these are set afterwards.
    pool_options = client.connection_pool.connection_kwargs
    if settings.redis_user is not None:
        pool_options["username"] = settings.redis_user
    if settings.redis_password is not None:
        pool_options["password"] = settings.redis_password.get_secret_value()
    return client


@contextmanager
def translated() -> Iterator[None]:
    """Translate errors of the driver.

    :raises CacheUnavailable: the cache does not answer, or answers with an error.
    """
    try:
        yield
    except (redis.RedisError, OSError) as e:
        raise CacheUnavailable(f"the cache does not answer: {e}") from e
