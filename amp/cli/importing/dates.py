"""Reads dates in the notations that files use, if they are unambiguous. `06/12/1998` could be two dates."""

import re

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
#: `1998/06/12`
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})/(?P<month>\d{1,2})/(?P<day>\d{1,2})", re.ASCII)
#: `1998-06-12 10:30`, `1998-06-12T10:30:00+0200`; a time without an offset is UTC.
_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt ](?P<clock>\d\d:\d\d)(?P<second>:\d\d(\.\d+)?)?"
    r" ?(?P<offset>[Zz]|UTC|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
#: Two-digit years from this one on are in the 1900s, as in POSIX; earlier ones are in the 2000s.
_PIVOT = 69


def read_date(text: str) -> str | None:
    """Return the date in the form that assets have, or None if `text` is not a date or is ambiguous."""
    rfc3339 = _as_rfc3339(text.strip())
    try:
        return None if rfc3339 is None else format_ms(parse_ms(rfc3339))
    except ValueError:
        return None


def _as_rfc3339(text: str) -> str | None:
    if not any(character.isdigit() for character in text[:16]):
        return None
    if match := _TIME.fullmatch(text):
        offset = (match["offset"] or "Z").replace("UTC", "Z").upper()
        if len(offset) == 5:
            offset = f"{offset[:3]}:{offset[3:]}"
        return f"{match['date']}T{match['clock']}{match['second'] or ':00'}{offset}"
    match = _MONTH_FIRST.fullmatch(text) or _DAY_FIRST.fullmatch(text) or _YEAR_FIRST.fullmatch(text)
    if match is None:
        return text
    month = int(match["month"]) if match["month"].isdigit() else _MONTHS.get(match["month"].lower(), 0)
    year = int(match["year"])
    if len(match["year"]) == 2:
        year += 1900 if year >= _PIVOT else 2000
    return f"{year:04d}-{month:02d}-{int(match['day']):02d}"
