"""Converts messages to bytes, as the queue and dead letters store them, and back."""

import orjson

from amp.domain.messages import Message, message_from_json, message_json


def payload_of(message: Message) -> bytes:
    return orjson.dumps(message_json(message))


def message_in(payload: bytes) -> Message | None:
    """Return the message in the payload, or None if the payload is not a valid message."""
    try:
        return message_from_json(orjson.loads(payload))
    except (ValueError, KeyError, TypeError):
        return None
