"""How the client of Redis is made of the settings; no server needed."""

from amp.adapters.redis.connection import connect
from amp.settings import load_settings


def made(**overrides: object) -> dict[str, object]:
    kwargs: dict[str, object] = connect(load_settings(overrides), 1.0).connection_pool.connection_kwargs
    return kwargs


def test_a_user_and_password_of_their_own_stand_above_the_url() -> None:
    url = "redis://me:old@127.0.0.1:1/2?password=older"
    kept = made(redis_url=url)
    assert (kept["username"], kept["password"], kept["db"]) == ("me", "old", 2)
    own = made(redis_url=url, redis_user="you", redis_password="new")
    assert (own["username"], own["password"]) == ("you", "new")
