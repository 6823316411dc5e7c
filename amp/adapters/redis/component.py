"""Redis as operations see it: whether it answers. Nothing needs to be created in it."""

from amp.adapters.redis.connection import connect, translated
from amp.addresses import masked
from amp.settings import Settings

_PING_TIMEOUT_S = 1.0


class RedisComponent:
    name = "cache"

    def __init__(self, settings: Settings) -> None:
        self._client = connect(settings, _PING_TIMEOUT_S)
        self._address = masked(settings.redis_url)

    def ping(self) -> str:
        with translated():
            server = self._client.info("server")
        return f"Redis {server['redis_version']}, {self._address}"

    def pending(self) -> list[str]:
        return []

    def migrate(self) -> list[str]:
        return []

    def close(self) -> None:
        self._client.close()
