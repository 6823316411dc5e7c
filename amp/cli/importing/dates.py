"""Reads dates the way files write them, where one reading is certain; `06/12/1998` is two dates, so it is none."""

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
#: `1998-06-12 10:30`, `1998-06-12T10:30:00+0200`; without an offset it is taken as UTC.
_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt ](?P<clock>\d\d:\d\d)(?P<second>:\d\d(\.\d+)?)?"
    r" ?(?P<offset>[Zz]|UTC|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
#: Two-digit years from here on are of the 1900s, as POSIX has it.
_PIVOT = 69


def read_date(text: str) -> str | None:
    """The date in the form assets have it; None if `text` is none, or might be several."""
    rfc3339 = _as_rfc3339(text.strip())
    try:
        return None if rfc3339 is None else format_ms(parse_ms(rfc3339))
    except ValueError:
        return None


def _as_rfc3339(text: str) -> str | None:
    if not any(character.isdigit() for character in text[:16]):
        return None
    if found := _TIME.fullmatch(text):
        offset = (found["offset"] or "Z").replace("UTC", "Z").upper()
        if len(offset) == 5:
            offset = f"{offset[:3]}:{offset[3:]}"
        return f"{found['date']}T{found['clock']}{found['second'] or ':00'}{offset}"
    found = _MONTH_FIRST.fullmatch(text) or _DAY_FIRST.fullmatch(text) or _YEAR_FIRST.fullmatch(text)
    if found is None:
        return text
    month = int(found["month"]) if found["month"].isdigit() else _MONTHS.get(found["month"].lower(), 0)
    year = int(found["year"])
    if len(found["year"]) == 2:
        year += 1900 if year >= _PIVOT else 2000
    return f"{year:04d}-{month:02d}-{int(found['day']):02d}"
