"""Asset ids are time-UUIDs: reading the time in them, accepting foreign ones, minting our own."""

import re
import secrets
import threading
from collections.abc import Callable
from uuid import UUID

import uuid6

from amp.errors import InvalidId

#: 100 ns ticks from the Gregorian reform (1582-10-15), where versions 1 and 6 count from, to 1970.
_GREGORIAN_TICKS = 0x01B21DD213814000
_TICKS_PER_MS = 10_000
#: Bits of a version 7 id behind the milliseconds: 12 of rand_a and 62 of rand_b (RFC 9562, 5.7).
_TAIL_BITS = 74
_MAX_MS = (1 << 48) - 1
#: `UUID` alone would take underscores, signs, blanks and foreign digits for hexadecimal too.
_CANONICAL = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def parse_id(text: str) -> UUID:
    """The time-UUID written in `text` in the canonical 36-character form, either case.

    :raises InvalidId: it is no UUID, not of version 1, 6 or 7, or its time lies before 1970.
    """
    if not _CANONICAL.fullmatch(text):
        raise InvalidId(f"{text[:64]!r} is not a UUID in its canonical form")
    asset_id = uuid6.UUID(text)
    created_ms(asset_id)
    return asset_id


def created_ms(asset_id: UUID) -> int:
    """Whole milliseconds since 1970 (UTC) at which the id says its asset was created; decides its time bucket.

    :raises InvalidId: the id is no time-UUID (version 1, 6 or 7), or its time lies before 1970.
    """
    value = asset_id.int
    version = (value >> 76) & 0xF
    if (value >> 62) & 0x3 != 0x2 or version not in (1, 6, 7):
        raise InvalidId(f"{asset_id} is not a time-UUID (version 1, 6 or 7)")
    if version == 7:
        return value >> 80
    if version == 6:
        ticks = (value >> 80) << 12 | (value >> 64) & 0xFFF
    else:
        ticks = ((value >> 64) & 0xFFF) << 48 | ((value >> 80) & 0xFFFF) << 32 | value >> 96
    ms = (ticks - _GREGORIAN_TICKS) // _TICKS_PER_MS
    if ms < 0:
        raise InvalidId(f"{asset_id} was made before 1970")
    return ms


def mint_at(ms: int) -> UUID:
    """A fresh version 7 id for an asset created at `ms`, whatever the clock says.

    :raises InvalidId: `ms` is before 1970 or past what 48 bits hold.
    """
    if not 0 <= ms <= _MAX_MS:
        raise InvalidId(f"no id can hold the time {ms} ms")
    return _assemble(ms, secrets.randbits(_TAIL_BITS))


class IdMint:
    """Mints version 7 ids, strictly increasing within the process and never ahead of what the clock has shown; only
    when the clock is set back by more than `max_ahead_ms`, ids follow it back.

    Within one millisecond the 74 bits behind it count up by random steps (RFC 9562, 6.2, method 2); `uuid6.uuid7`
    adds a millisecond instead and runs ahead of the clock under load.
    """

    def __init__(self, now_ms: Callable[[], int], max_ahead_ms: int) -> None:
        """:param max_ahead_ms: how far ahead of the clock an id may be before the service refuses it as its own."""
        self._now_ms = now_ms
        self._max_ahead_ms = max_ahead_ms
        self._lock = threading.Lock()
        self._last_ms = -1
        self._tail = 0

    def mint(self) -> UUID:
        with self._lock:
            ms = self._now_ms()
            if ms > self._last_ms or self._last_ms - ms > self._max_ahead_ms:
                # The top bit starts at zero, so that 2^73 of room is left to count up in.
                self._last_ms, self._tail = ms, secrets.randbits(_TAIL_BITS - 1)
            else:
                self._tail += 1 + secrets.randbits(32)
            return _assemble(self._last_ms, self._tail)


def _assemble(ms: int, tail: int) -> UUID:
    rand_a, rand_b = tail >> 62, tail & ((1 << 62) - 1)
    return uuid6.UUID(int=ms << 80 | 7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)
