"""Times: RFC 3339 text and milliseconds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.times import format_ms, parse_ms

FIRST_MS = -62_135_596_800_000  # 0001-01-01
LAST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999


@given(st.integers(FIRST_MS, LAST_MS))
def test_every_millisecond_survives_being_written_and_read(ms: int) -> None:
    text = format_ms(ms)
    assert len(text) == 24
    assert parse_ms(text) == ms


@given(st.integers(FIRST_MS, LAST_MS), st.integers(FIRST_MS, LAST_MS))
def test_written_times_sort_like_the_times(a: int, b: int) -> None:
    assert (format_ms(a) < format_ms(b)) == (a < b)


offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=offsets, min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
def test_a_time_reads_as_the_standard_library_reads_it(at: datetime) -> None:
    expected = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert parse_ms(at.isoformat()) == expected


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2026-11-21", "2026-11-21T00:00:00.000Z"),
        ("2026-11-21T12:00:00Z", "2026-11-21T12:00:00.000Z"),
        ("2026-11-21t12:00:00z", "2026-11-21T12:00:00.000Z"),
        ("2026-11-21 12:00:00+02:00", "2026-11-21T10:00:00.000Z"),
        ("2026-11-21T12:00:00-00:30", "2026-11-21T12:30:00.000Z"),
        ("2026-11-21T12:00:00.1Z", "2026-11-21T12:00:00.100Z"),
        ("2026-11-21T12:00:00.123999999Z", "2026-11-21T12:00:00.123Z"),
        ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
        ("2024-02-29", "2024-02-29T00:00:00.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
    ],
)
def test_a_time_has_one_canonical_form(text: str, canonical: str) -> None:
    assert format_ms(parse_ms(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-21T12:00:00",  # no offset
        "2026-11-21T12:00Z",
        "2026-11-21Z",
        "20261121",
        "26-11-21",
        "2026-1-2",
        "2026-02-30",
        "2023-02-29",
        "2026-13-01",
        "2026-11-21T24:00:00Z",
        "2026-11-21T12:60:00Z",
        "2016-12-31T23:59:60Z",
        "2026-11-21T12:00:00+24:00",
        "2026-11-21T12:00:00+02:60",
        "2026-11-21T12:00:00+0200",
        "2026-11-21T12:00:00.Z",
        "0000-01-01",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-00:01",
        "Jun 12 1998",
        "٢٠٢٦-11-21",
        " 2026-11-21",
        "2026-11-21\n",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither|does not exist|is outside"):
        parse_ms(text)


@given(st.text(max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        ms = parse_ms(text)
    except ValueError:
        return
    assert FIRST_MS <= ms <= LAST_MS
