"""CSV is read in the dialects that programs write, and what is broken costs only itself."""

import csv
import io
import random
from typing import Any

import pytest

from amp.cli.importing.files import csv_rows as csv_rows_module
from amp.cli.importing.files import lines
from amp.cli.importing.files.csv_rows import DELIMITERS, FILLED_UP, csv_rows, delimiter_of, has_spaces_before_quotes
from amp.cli.importing.refused import ImportRefused

_WORDS = [
    "alpha",
    "beta",
    "gamma",
    "Café",
    "Zürich",
    "river",
    "night",
    "the",
    "of",
    "land",
    "girls",
    "tape",
    "h264",
    "London",
]


def opened(text: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8-sig", newline="")


def rows(text: str, delimiter: str = ",") -> list[tuple[int, Any]]:
    """Line, and the row or what is wrong with it."""
    return [(row.line, row.problem or row.data) for row in csv_rows(opened(text), delimiter)]


def test_quoted_cells_have_delimiters_quotes_and_line_breaks() -> None:
    assert rows('\ufeffa,b\r\n1,"x, ""y""\r\nz"\r\n\r\n3,4\r\n') == [
        (2, {"a": "1", "b": 'x, "y"\r\nz'}),
        (5, {"a": "3", "b": "4"}),
    ]


def test_columns_of_one_name_are_one_column_with_a_list() -> None:
    assert rows("a,b,a,a\n1,2,3,4\n") == [(2, {"a": ["1", "3", "4"], "b": "2"})]


def test_short_rows_are_filled_up_and_extra_cells_are_reported() -> None:
    short, trailing, extra = csv_rows(opened("a,b\n1\n2,3,\n4,5,6\n"), ",")
    assert (short.data, short.adjustments) == ({"a": "1"}, (FILLED_UP,))
    assert (trailing.data, trailing.adjustments) == ({"a": "2", "b": "3"}, ())
    assert (extra.line, extra.problem, extra.raw) == (4, "has 3 cells; the header has 2", ["4", "5", "6"])


def test_blank_rows_are_left_out_also_before_the_header() -> None:
    assert rows("\n , \na,b\n,\n   \n1,2\n\n") == [(6, {"a": "1", "b": "2"})]


def test_headers_are_trimmed_and_columns_without_one_are_numbered() -> None:
    assert rows(" a ,,b\n1,2,3\n") == [(2, {"a": "1", "(column 2)": "2", "b": "3"})]


def test_a_quoted_cell_may_follow_a_space() -> None:
    text = 'a, b\n1, "x, ""y"""\n'
    assert has_spaces_before_quotes(text, ",")
    assert not has_spaces_before_quotes('a, b\n1,"x"\n', ",")
    [row] = csv_rows(opened(text), ",", skip_spaces=True)
    assert row.data == {"a": "1", "b": 'x, "y"'}


def test_a_broken_record_costs_only_its_first_line() -> None:
    text = 'a,b\n1,"x" y\n2,"never closed\n3,4\n5,"ok"\n6,"six\nseven"\n'
    assert rows(text) == [
        (2, "is not CSV: ',' expected after '\"'"),
        (3, "is not CSV: ',' expected after '\"'"),
        (4, {"a": "3", "b": "4"}),
        (5, {"a": "5", "b": "ok"}),
        (6, {"a": "6", "b": "six\nseven"}),
    ]
    assert rows('a,b\n1,"open\n2,3\n') == [(2, "is not CSV: unexpected end of data"), (3, {"a": "2", "b": "3"})]


def test_a_header_that_is_broken_is_not_replaced_by_the_next_line() -> None:
    with pytest.raises(ImportRefused, match="line 1: the header is not CSV"):
        rows('"a" b,c\n1,2\n')


def test_a_cell_of_any_usual_size_is_read() -> None:
    long = "x" * (1 << 20)
    assert rows(f"a,b\n1,{long}\n2,y\n") == [(2, {"a": "1", "b": long}), (3, {"a": "2", "b": "y"})]


def test_a_row_that_is_too_long_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows_module, "MAX_VALUE_CHARACTERS", 40)
    monkeypatch.setattr(lines, "_SKIPPED_CHARACTERS", 7)
    text = f'a,b\n1,{"x" * 100}\n2,y\n3,"{"z" * 20}\n{"z" * 90}"\n4,z\n'
    too_long = "is not CSV: a row is longer than 40 characters"
    assert rows(text) == [
        (2, too_long),
        (3, {"a": "2", "b": "y"}),
        (4, too_long),
        (5, too_long),
        (6, {"a": "4", "b": "z"}),
    ]


def test_the_first_line_may_declare_the_delimiter() -> None:
    text = "sep=;\na;b\n1;2\n"
    assert delimiter_of(text) == ";"
    assert rows(text, ";") == [(3, {"a": "1", "b": "2"})]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("", ","),
        ("title\nA\n", ","),
        ("title\nA, B\n", ";"),  # one column, whose values have commas
        ("Title, original;Year\nLand;1950\n", ";"),
        ("a;b\n1,5;2,5\n", ";"),
        ("a\tb,c\n1\t2\n", "\t"),
        ('a|b\n"x|y, z"|2\n', "|"),
        ('"a;b";c\n1;2\n', ";"),
    ],
)
def test_the_delimiter_divides_the_rows_as_the_header(text: str, delimiter: str) -> None:
    assert delimiter_of(text) == delimiter


def test_the_delimiter_of_random_tables_is_found() -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")  # noqa: T201 - for who repeats it
    draw = random.Random(seed)
    for _ in range(200):
        delimiter = draw.choice(list(DELIMITERS))
        columns = draw.randrange(2, 9)
        text = io.StringIO()
        writer = csv.writer(text, delimiter=delimiter, quoting=draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
        writer.writerow([f"{draw.choice(_WORDS)}{number}" for number in range(columns)])
        for _ in range(draw.choice([1, 2, 5, 50])):
            writer.writerow([_cell(draw) for _ in range(columns)])
        assert delimiter_of(text.getvalue()) == delimiter, text.getvalue()


def _cell(draw: random.Random) -> str:
    return draw.choice(
        [
            "",
            str(draw.randrange(10_000)),
            f"{draw.randrange(1000)},{draw.randrange(100)}",
            ", ".join(draw.choices(_WORDS, k=3)),
            "; ".join(draw.choices(_WORDS, k=3)),
            "|".join(draw.choices(_WORDS, k=2)),
            draw.choice(_WORDS),
        ]
    )
