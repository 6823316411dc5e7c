"""Asset ids are time-UUIDs: parsing them, reading their time, and generating new ones."""

import re
import secrets
import threading
from collections.abc import Callable
from uuid import UUID

import uuid6

from amp.errors import InvalidId

#: Ticks of 100 ns from the Gregorian reform (1582-10-15), from which versions 1 and 6 count, to 1970.
_GREGORIAN_TICKS = 0x01B21DD213814000
_TICKS_PER_MS = 10_000
#: Bits of a version 7 id after the milliseconds: 12 of rand_a and 62 of rand_b (RFC 9562, 5.7).
_TAIL_BITS = 74
_MAX_MS = (1 << 48) - 1
#: `UUID` alone would also accept underscores, signs, spaces and digits of other scripts as hexadecimal.
_CANONICAL = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def parse_id(text: str) -> UUID:
    """Parse a time-UUID in the canonical 36-character form, upper or lower case.

    :raises InvalidId: the text is not a UUID in this form or not of version 1, 6 or 7, or its time is before 1970.
    """
    if not _CANONICAL.fullmatch(text):
        raise InvalidId(f"{text[:64]!r} is not a UUID in the canonical form of 36 characters")
    asset_id = uuid6.UUID(text)
    created_ms(asset_id)
    return asset_id


def created_ms(asset_id: UUID) -> int:
    """Return the creation time in the id, in whole milliseconds since 1970 (UTC). It decides the asset's time bucket.

    :raises InvalidId: the id is not a time-UUID (version 1, 6 or 7), or its time is before 1970.
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
        raise InvalidId(f"the time in {asset_id} is before 1970")
    return ms


def mint_at(ms: int) -> UUID:
    """Return a new version 7 id for an asset created at `ms`, independent of the clock.

    :raises InvalidId: `ms` is before 1970 or does not fit in 48 bits.
    """
    if not 0 <= ms <= _MAX_MS:
        raise InvalidId(f"an id cannot hold the time {ms} ms; it must be from 0 to {_MAX_MS}")
    return _assemble(ms, secrets.randbits(_TAIL_BITS))


class IdMint:
    """Generates version 7 ids that strictly increase within the process and are never ahead of the latest time that the
    clock returned. Only if the clock is set back by more than `max_ahead_ms`, ids follow it back.

    Within one millisecond, the 74 bits after it increase by random steps (RFC 9562, 6.2, method 2). `uuid6.uuid7` adds
    a millisecond instead and gets ahead of the clock under load.
    """

    def __init__(self, now_ms: Callable[[], int], max_ahead_ms: int) -> None:
        """:param max_ahead_ms: how far an id may be ahead of the clock before the service itself refuses it."""
        self._now_ms = now_ms
        self._max_ahead_ms = max_ahead_ms
        self._lock = threading.Lock()
        self._last_ms = -1
        self._tail = 0

    def mint(self) -> UUID:
        """Return a new id."""
        with self._lock:
            ms = self._now_ms()
            if ms > self._last_ms or self._last_ms - ms > self._max_ahead_ms:
                # The top bit starts at zero, so that there is room for 2^73 steps.
                self._last_ms, self._tail = ms, secrets.randbits(_TAIL_BITS - 1)
            else:
                self._tail += 1 + secrets.randbits(32)
            return _assemble(self._last_ms, self._tail)


def _assemble(ms: int, tail: int) -> UUID:
    rand_a, rand_b = tail >> 62, tail & ((1 << 62) - 1)
    return uuid6.UUID(int=ms << 80 | 7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)
