"""Times: whole UTC milliseconds inside AMP, RFC 3339 text outside."""

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d)))?", re.ASCII
)


def format_ms(ms: int) -> str:
    """Return the time as `2026-11-21T12:00:00.000Z`; the inverse of `parse_ms`."""
    return (_NAIVE_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds") + "Z"


def parse_ms(text: str) -> int:
    """Return the milliseconds since 1970 of an RFC 3339 time with offset, or of a plain date, which means midnight UTC.

    Digits after the millisecond are cut off. The years 0001 to 9999 are accepted.

    :raises ValueError: `text` is neither, or its day or time does not exist.
    """
    match = _RFC3339.fullmatch(text)
    if not match:
        raise ValueError(f"{text[:64]!r} is neither an RFC 3339 time with offset nor a plain date (YYYY-MM-DD)")
    year, month, day, hour, minute, second, fraction, _, sign, off_hour, off_minute = match.groups()
    try:
        at = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC)
    except ValueError as e:
        raise ValueError(f"{text[:64]!r} names a time that does not exist: {e}") from e
    ms = (at - _EPOCH) // timedelta(milliseconds=1) + int(((fraction or "") + "000")[:3])
    if sign:
        if int(off_hour) > 23 or int(off_minute) > 59:
            raise ValueError(f"{text[:64]!r} has an offset that does not exist")
        offset = (int(off_hour) * 60 + int(off_minute)) * 60_000
        ms += offset if sign == "-" else -offset
    if not _FIRST_MS <= ms <= _LAST_MS:
        raise ValueError(f"{text[:64]!r} is outside the years 0001 to 9999")
    return ms


_FIRST_MS = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
_LAST_MS = (datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
