"""Messages as bytes in the queue and in dead letters."""

import orjson

from amp.domain.messages import Message, message_from_json, message_json


def payload_of(message: Message) -> bytes:
    return orjson.dumps(message_json(message))


def message_in(payload: bytes) -> Message | None:
    """None: the payload is no message."""
    try:
        return message_from_json(orjson.loads(payload))
    except (ValueError, KeyError, TypeError):
        return None
