"""Dates are read where only one reading is possible, or where the user of an import says which."""

from datetime import UTC, timedelta, timezone

import pytest

from amp.cli.importing.dates import DateOrder, DateReading, read_date, time_zone


def date_of(text: str, order: DateOrder | None = None, zone: str | None = None) -> str | None:
    reading = read_date(text, order, None if zone is None else time_zone(zone))
    return None if reading is None else reading.text


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Jun 12 1998", "1998-06-12T00:00:00.000Z"),
        ("June 2, 1998", "1998-06-02T00:00:00.000Z"),
        ("12 Sept. 1998", "1998-09-12T00:00:00.000Z"),
        ("12-Jun-98", "1998-06-12T00:00:00.000Z"),
        ("12-Jun-69", "1969-06-12T00:00:00.000Z"),
        ("12-Jun-68", "2068-06-12T00:00:00.000Z"),
        ("1998/6/2", "1998-06-02T00:00:00.000Z"),
        ("1998-06-12", "1998-06-12T00:00:00.000Z"),
        ("1998-06-12 10:30:00 UTC", "1998-06-12T10:30:00.000Z"),
        ("1998-06-12T10:30:00+0200", "1998-06-12T08:30:00.000Z"),
        ("1998-06-12T10:30:00.123456Z", "1998-06-12T10:30:00.123Z"),
        ("2020:02:29 10:11:12.5+01:00", "2020-02-29T09:11:12.500Z"),
    ],
)
def test_a_date_is_read_where_only_one_reading_is_possible(text: str, date: str) -> None:
    assert date_of(text) == date


@pytest.mark.parametrize(
    "text",
    [
        *("Jun 31 1998", "Jum 12 1998", "12 Jun-1998", "1998", "2020-02", "", "May", "c. 1930", "32/13/1999", "1.2.20"),
        *("2020-02-29 25:00Z", "2020-02-29 13:00 PM", "10:20:30", "9999-12-31T23:00:00-05:00", "-5", "2020-02-30"),
    ],
)
def test_other_text_is_not_a_date(text: str) -> None:
    assert read_date(text, DateOrder.DMY, UTC) is None


@pytest.mark.parametrize(
    ("text", "dmy", "mdy"),
    [
        ("06/12/1998", "1998-12-06T00:00:00.000Z", "1998-06-12T00:00:00.000Z"),
        ("12.06.1998", "1998-06-12T00:00:00.000Z", "1998-12-06T00:00:00.000Z"),
        ("1/2/98", "1998-02-01T00:00:00.000Z", "1998-01-02T00:00:00.000Z"),
        ("31/12/1999", "1999-12-31T00:00:00.000Z", None),
        ("2/3/2020 4:05 PM +00:00", "2020-03-02T16:05:00.000Z", "2020-02-03T16:05:00.000Z"),
    ],
)
def test_a_date_whose_order_is_unknown_needs_it(text: str, dmy: str | None, mdy: str | None) -> None:
    assert read_date(text) == DateReading()
    assert (date_of(text, DateOrder.DMY), date_of(text, DateOrder.MDY)) == (dmy, mdy)


@pytest.mark.parametrize(
    "text", ["1998-06-12 10:30", "1998-06-12T10:30:01.5", "2020:02:29 10:11:12", "Jun 1 1998 4:05 pm"]
)
def test_a_time_without_an_offset_needs_a_time_zone(text: str) -> None:
    assert read_date(text) == DateReading(lacks_offset=True)
    assert date_of(text, zone="UTC") is not None


def test_the_time_zone_applies_to_times_without_an_offset_only() -> None:
    assert date_of("1998-06-12 10:30", zone="Europe/Berlin") == "1998-06-12T08:30:00.000Z"
    assert date_of("1998-01-12 10:30", zone="Europe/Berlin") == "1998-01-12T09:30:00.000Z"
    assert date_of("1998-06-12 10:30Z", zone="Europe/Berlin") == "1998-06-12T10:30:00.000Z"
    assert date_of("1998-06-12", zone="Europe/Berlin") == "1998-06-12T00:00:00.000Z"


@pytest.mark.parametrize("text", ["0000:00:00 00:00:00", "0000-00-00", "0000-00-00T00:00:00Z"])
def test_a_date_of_zeros_is_no_date(text: str) -> None:
    assert read_date(text) == DateReading(is_zero=True)


def test_a_time_zone_is_a_name_or_an_offset() -> None:
    assert time_zone("utc") is UTC
    assert time_zone("+05:30") == timezone(timedelta(hours=5, minutes=30))
    assert time_zone("-03") == timezone(timedelta(hours=-3))
    for unknown in ("Europe/Nowhere", "../etc/passwd", "+99:00", "", "CE ST"):
        with pytest.raises(ValueError, match=r"unknown time zone|strictly between|not an offset"):
            time_zone(unknown)
