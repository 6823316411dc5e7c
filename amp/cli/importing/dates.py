"""Reads dates in the notations that files use, if they are unambiguous, or with the help of their user.

`06/12/1998` could be two dates, and `1998-06-12 10:30` is a different time in each time zone.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from amp.domain.times import format_ms, parse_ms

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january",
            "feb february",
            "mar march",
            "apr april",
            "may",
            "jun june",
            "jul july",
            "aug august",
            "sep sept september",
            "oct october",
            "nov november",
            "dec december",
        ),
        start=1,
    )
    for name in names.split()
}
#: `Jun 12 1998`, `June 12, 1998`
_MONTH_FIRST = re.compile(r"(?P<month>[A-Za-z]{3,9})\.? (?P<day>\d{1,2}),? (?P<year>\d{4})", re.ASCII)
#: `12 June 1998`, `12-Jun-98`
_DAY_FIRST = re.compile(
    r"(?P<day>\d{1,2})(?P<sep>[ -])(?P<month>[A-Za-z]{3,9})\.?(?P=sep)(?P<year>\d{4}|\d\d)", re.ASCII
)
#: `1998-06-12`, `1998/06/12`, `1998:06:12` (EXIF)
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})(?P<sep>[-/:])(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})", re.ASCII)
#: `06/12/1998`, `12.06.1998`, `6/12/98`
_ORDER_UNKNOWN = re.compile(
    r"(?P<first>\d{1,2})(?P<sep>[-/.])(?P<second>\d{1,2})(?P=sep)(?P<year>\d{4}|(?<=/)\d\d)(?!\d)", re.ASCII
)
#: A time after a date: `10:30`, `T10:30:00.5+0200`, ` 4:05 PM`
_TIME = re.compile(
    r"(?:[Tt]| ?,? )(?P<hour>\d{1,2}):(?P<minute>\d\d)(:(?P<second>\d\d)([.,](?P<fraction>\d{1,9}))?)?"
    r"( ?(?P<half>[AaPp])\.?[Mm]\.?)?( ?(?P<offset>[Zz]|UTC|GMT|[+-]\d\d(:?\d\d)?))?",
    re.ASCII,
)
_ZERO = re.compile(r"0{4}[-/:]00[-/:]00([T ]00:00(:00)?(\.0+)?Z?)?", re.ASCII)
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d)?", re.ASCII)
#: Two-digit years from this one on are in the 1900s, as in POSIX; earlier ones are in the 2000s.
_PIVOT = 69


class DateOrder(StrEnum):
    """The order of dates such as `06/12/1998`."""

    DMY = "dmy"
    MDY = "mdy"


@dataclass(frozen=True, kw_only=True, slots=True)
class DateReading:
    """A date that was read, or what is missing to read it."""

    text: str | None = None  #: The date in the form that assets have.
    is_zero: bool = False  #: It is `0000-00-00`, which means that there is no date.
    lacks_offset: bool = False  #: It has a time, but no offset from UTC, and no time zone is given.


def read_date(text: str, order: DateOrder | None = None, zone: tzinfo | None = None) -> DateReading | None:
    """Return the date that `text` represents, or what is missing to read it; None if it is not a date.

    Dates without a time are midnight UTC.

    :param order: the order of day and month where the text does not show it.
    :param zone: the time zone of times without an offset. Of a local time that occurs twice, the first is meant.
    """
    text = text.strip()
    if not text[:1].isalnum() or not any(character.isdigit() for character in text[:16]):
        return None
    if _ZERO.fullmatch(text):
        return DateReading(is_zero=True)
    try:
        return _read(text, order, zone)
    except (ValueError, OverflowError):
        return None


def time_zone(name: str) -> tzinfo:
    """Return the time zone of a name such as `Europe/Berlin`, or of an offset such as `+02:00`.

    :raises ValueError: there is no such time zone.
    """
    if name.upper() in ("UTC", "GMT", "Z"):
        return UTC
    if match := _OFFSET.fullmatch(name):
        return timezone(_offset(match["sign"], match["hours"], match["minutes"]))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise ValueError(f"unknown time zone {name!r}; use a name such as Europe/Berlin, or an offset +02:00") from None


def _read(text: str, order: DateOrder | None, zone: tzinfo | None) -> DateReading | None:
    if match := _ORDER_UNKNOWN.match(text):
        numbers = int(match["first"]), int(match["second"])
        if order is None:
            possible = min(numbers) in range(1, 13) and max(numbers) in range(1, 32)
            rest_fits = match.end() == len(text) or _TIME.fullmatch(text, match.end())
            return DateReading() if possible and rest_fits else None
        day, month = numbers if order is DateOrder.DMY else (numbers[1], numbers[0])
    elif match := _YEAR_FIRST.match(text):
        day, month = int(match["day"]), int(match["month"])
    elif match := _MONTH_FIRST.match(text) or _DAY_FIRST.match(text):
        day, month = int(match["day"]), _MONTHS.get(match["month"].lower(), 0)
    else:
        return None
    at = datetime(_year(match["year"]), month, day, tzinfo=UTC)
    if match.end() == len(text):
        return DateReading(text=_formatted(at))
    time = _TIME.fullmatch(text, match.end())
    return None if time is None else _with_time(at, time, zone)


def _with_time(day: datetime, time: re.Match[str], zone: tzinfo | None) -> DateReading | None:
    hour = int(time["hour"])
    if time["half"]:
        if hour not in range(1, 13):
            return None
        hour = hour % 12 + 12 * (time["half"].lower() == "p")
    fraction = int(f"{time['fraction'] or ''}000"[:3]) * 1000
    at = day.replace(hour=hour, minute=int(time["minute"]), second=int(time["second"] or 0), microsecond=fraction)
    offset = time["offset"]
    if offset is None and zone is None:
        return DateReading(lacks_offset=True)
    if offset is not None:
        match = _OFFSET.fullmatch(offset)
        zone = UTC if match is None else timezone(_offset(match["sign"], match["hours"], match["minutes"]))
    return DateReading(text=_formatted(at.replace(tzinfo=zone)))


def _offset(sign: str, hours: str, minutes: str | None) -> timedelta:
    if int(minutes or 0) > 59:
        raise ValueError(f"{sign}{hours}:{minutes} is not an offset")
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return -offset if sign == "-" else offset


def _year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (1900 if year >= _PIVOT else 2000)


def _formatted(at: datetime) -> str:
    return format_ms(parse_ms(at.astimezone(UTC).isoformat(timespec="milliseconds")))
