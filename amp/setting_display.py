"""How the values of settings appear in messages: bounded, and without secrets."""

from amp.addresses import masked

#: Settings whose values may contain secrets. They are masked when they are displayed.
ADDRESSES = frozenset({"url", "cassandra_hosts", "kafka_bootstrap", "elasticsearch_url", "redis_url"})
_MAX_VALUE_CHARS = 200


def displayed(name: str, value: object) -> str:
    """Return the value of the setting `name` as messages show it: bounded, without secrets."""
    if is_secret(name):
        return "(hidden)"
    text = repr(value)
    if name in ADDRESSES:
        items = value if isinstance(value, tuple) else (value,)
        text = repr(",".join(masked(str(item)) for item in items))
    return text if len(text) <= _MAX_VALUE_CHARS else f"{text[:_MAX_VALUE_CHARS]}…"


def is_secret(name: str | None) -> bool:
    """Return whether the setting of that name must not be displayed."""
    return name is not None and ("password" in name or name == "cursor_key")
