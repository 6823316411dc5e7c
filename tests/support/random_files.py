"""Random files to import: a table in some dialect of CSV or shape of JSON, encoding and compression, with oddities."""

import bz2
import csv
import gzip
import io
import json
import lzma
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

_HEADERS = (
    *("id", "title", "Title of work", "Größe (mm)", "Название", "标题", "c=d", "EXIF:ISO", "camera.make", "3D", "kw"),
    *("width", "shot", "price", "it's", 'say "hi"', "x" * 130, "a|b", "semi;colon", "tab\there", "日本語 タイトル"),
)
_CELLS = (
    *("", " ", "0", "1", "-5", "2.5", "1.50", "007", "1e5", "1,234", "0,5", "99999999999999999999", "true", "FALSE"),
    *("N/A", "null", "nan", "-", "2020-02-29", "31/12/1999", "Jun 12 1998", "2020:02:29 10:11:12", "0000-00-00"),
    *("Café", "Straße", "a;b", "a|b", "a\tb", 'say "hi"', "two\nlines", "=1+1", "a" * 600, "  padded  ", "\\N", "'"),
    *("京都", "🎬", "e\u0301", "\u202e", '3/4" tape', "NA", "yes"),
)
_COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": partial(gzip.compress, mtime=0),  # the same bytes for the same seed
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


@dataclass
class Table:
    """Rows before they are written to a file."""

    columns: list[str]
    rows: list[list[str]]

    def permuted(self, rng: random.Random) -> "Table":
        """Return the same rows, with rows and columns in another order."""
        order = rng.sample(range(len(self.columns)), len(self.columns))
        rows = [[row[i] for i in order] for row in self.rows]
        return Table([self.columns[i] for i in order], rng.sample(rows, len(rows)))


@dataclass
class RandomFile:
    """A file, and what is known about it."""

    name: str
    content: bytes
    rows: int | None  #: Number of its rows; None if broken parts make that unclear.
    options: list[str] = field(default_factory=list)


def random_table(rng: random.Random) -> Table:
    columns = rng.sample(_HEADERS, rng.randrange(1, 8))
    cells_of = [rng.sample(_CELLS, rng.randrange(1, 5)) for _ in columns]
    # A row without any value would be left out.
    rows = [
        [rng.choice(cells) for cells in cells_of[:-1]] + [rng.choice(cells_of[-1]) if rng.random() < 0.9 else "z"]
        for _ in range(rng.randrange(0, 12))
    ]
    return Table(columns, [row for row in rows if any(cell.strip() for cell in row)])


def csv_file(rng: random.Random, table: Table) -> RandomFile:
    """Write the table as CSV that is not broken."""
    encoding = rng.choice(["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030"])
    delimiter = rng.choice([",", ";", "\t", "|"])
    text = io.StringIO()
    newline = rng.choice(["\n", "\r\n"])
    if rng.random() < 0.1:
        text.write(f"sep={delimiter}{newline}")
    quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    writer = csv.writer(text, delimiter=delimiter, lineterminator=newline, quoting=quoting)
    writer.writerow(table.columns)
    for row in table.rows:
        if rng.random() < 0.1:
            text.write(rng.choice(["", "   ", delimiter * 2]) + newline)
        writer.writerow(row + [""] * (rng.random() < 0.1))
    suffix = rng.choice(list(_COMPRESSIONS))
    options = ["--delimiter", "tab" if delimiter == "\t" else delimiter]
    options += ["--encoding", encoding] if encoding == "gb18030" else []
    content = _COMPRESSIONS[suffix](text.getvalue().encode(encoding))
    return RandomFile(f"x.csv{suffix}", content, len(table.rows), options)


def json_file(rng: random.Random, table: Table) -> RandomFile:
    """Write the table as JSON, with some values that are not text."""
    rows: list[Any] = [
        {column: _json_value(rng, cell) for column, cell in zip(table.columns, row, strict=True)} for row in table.rows
    ]
    shape = rng.choice(["array", "lines", "wrapped", "keyed", "concatenated"])
    options = []
    match shape:
        case "array":
            text = json.dumps(rows, indent=rng.choice([None, 2]))
        case "lines":
            text = "\n".join(json.dumps(row) for row in rows)
        case "wrapped":
            text, options = json.dumps({"count": len(rows), "data": {"items": rows}, "next": None}), ["data.items"]
        case "keyed":
            text, options = json.dumps({f"k{number}": row for number, row in enumerate(rows)}), ["*"]
        case _:
            text = "\n\n".join(json.dumps(row, indent=1) for row in rows)
            options = ["."]
    suffix = rng.choice(list(_COMPRESSIONS))
    name = ("x.ndjson" if shape == "lines" else "x.json") + suffix
    content = _COMPRESSIONS[suffix](text.encode(rng.choice(["utf-8", "utf-8-sig", "utf-16"])))
    return RandomFile(name, content, len(rows), ["--rows", *options] if options else [])


def broken_file(rng: random.Random, table: Table) -> RandomFile:
    """Write the table, and damage the file."""
    file = rng.choice([csv_file, json_file])(rng, table)
    content = bytearray(file.content)
    match rng.randrange(4):
        case 0 if content:
            content = content[: rng.randrange(len(content))]
        case 1 if content:
            for _ in range(rng.randrange(1, 4)):
                content[rng.randrange(len(content))] = rng.randrange(256)
        case 2:
            at = rng.randrange(len(content) + 1)
            content[at:at] = rng.choice([b'"', b"\x00", b"}", b"\r", b"\xff\xfe", b'","', b"[[[", b"\n\n"])
        case _:
            content[:0] = rng.choice(
                [b"PK\x03\x04", b"\x1f\x8b\x08", b"%PDF-", b"PAR1", b"sep=", b"{", b"\xef\xbb\xbf"]
            )
    return RandomFile(file.name, bytes(content), None, file.options)


def _json_value(rng: random.Random, cell: str) -> Any:
    if rng.random() < 0.6:
        return cell
    return rng.choice(
        [
            *(None, True, 1, -2.5, 2**63, 1e400, [], [1, "a", None], {"a": {"b": 1}}, [{"x": 1}, {"y": [2]}], [[1], 2]),
            *({}, "\ud800", {"k": cell}),
        ]
    )
