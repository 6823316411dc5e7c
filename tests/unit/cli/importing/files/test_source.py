"""A file is read by what it contains, whatever its name, and refused by what it is."""

import bz2
import gzip
import io
import lzma
import random
import zipfile
from pathlib import Path

import pytest

from amp.cli.importing.files.row import Row
from amp.cli.importing.files.source import ReadOptions, open_source
from amp.cli.importing.refused import ImportRefused


def rows(path: Path, **options: str) -> list[Row]:
    source = open_source(path, path.name, ReadOptions(**options))
    with open(path, "rb") as file:
        return list(source.rows(file))


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "description"),
    [
        ("x.json", b"[]", "json, utf-8"),
        ("x.JSONL", b'{"a": 1}', "ndjson, utf-8"),
        ("x.csv", b"[", "csv, separated by comma, utf-8"),
        ("x.tsv", b"a\tb\n1\t2\n", "csv, separated by tab, utf-8"),
        ("x", b"\xef\xbb\xbf [", "json, utf-8"),
        ("x", b'\n{"a": 1}', "ndjson, utf-8"),
        ("x", b'{\n  "a": 1\n}', "json, utf-8"),
        ("x.txt", b"a;b\n", "csv, separated by semicolon, utf-8"),
        ("x.csv", "a,b\n1,2".encode("utf-16"), "csv, separated by comma, utf-16"),
        ("x.csv.gz", gzip.compress(b"a,b\n"), "csv, separated by comma, utf-8, gzip"),
        ("x.json.bz2", bz2.compress(b"[]"), "json, utf-8, bzip2"),
        ("x", lzma.compress(b"[]"), "json, utf-8, xz"),
    ],
)
def test_how_a_file_is_read_follows_from_its_name_and_content(
    tmp_path: Path, name: str, content: bytes, description: str
) -> None:
    path = written(tmp_path, name, content)
    assert open_source(path, name, ReadOptions()).description() == description


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_with_a_byte_order_mark_is_decoded(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, "x.csv", "título,b\nCafé,2\n".encode(encoding))
    assert [row.data for row in rows(path)] == [{"título": "Café", "b": "2"}]


def test_compressed_files_are_read_and_damaged_ones_refused(tmp_path: Path) -> None:
    text = b"".join(b'{"a": %d}\n' % number for number in range(50_000))
    for compress in (gzip.compress, bz2.compress, lzma.compress):
        content = compress(text)
        assert len(rows(written(tmp_path, "whole", content))) == 50_000
        for damaged in (content[: len(content) // 2], content[:40] + b"\xff\x00" * 20 + content[80:], content[:12]):
            with pytest.raises(ImportRefused, match="file is damaged"):
                rows(written(tmp_path, "damaged", damaged))


def test_damage_behind_a_byte_that_is_not_utf_8_is_reported(tmp_path: Path) -> None:
    # The first pass stops at the byte; looking for its place reads on, into the second block, which is damaged.
    draw = random.Random(1)
    content = bytearray(bz2.compress(b"a\nCaf\xe9\n" + bytes(draw.choices(b"abcdefgh", k=1_000_000))))
    content[-20:] = bytes(20)
    with pytest.raises(ImportRefused, match="the bzip2 file is damaged"):
        rows(written(tmp_path, "x.csv", bytes(content)))


@pytest.mark.parametrize("format_", ["csv", "ndjson"])
def test_the_first_byte_that_is_not_utf_8_is_named(tmp_path: Path, format_: str) -> None:
    # Far from the beginning, and after characters of several bytes, so that its place is not that in a chunk.
    text = "é" * 700_000 + "\n" + "é" * 700_000 + "\n"
    content = text.encode() + b"x\xe9y\n"
    message = rf"line 3, byte {len(text.encode()) + 1}: 0xe9 is not UTF-8; .* --encoding with one of cp1252"
    with pytest.raises(ImportRefused, match=message):
        rows(written(tmp_path, f"x.{format_}", content))
    assert rows(written(tmp_path, "x.csv", b"a\nCaf\xe9\n"), encoding="cp1252")[0].data == {"a": "Café"}


def test_a_file_that_ends_inside_a_character_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="byte 5: 0xc3 is not UTF-8"):
        rows(written(tmp_path, "x.csv", b"a\nCaf\xc3"))


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("x.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Office document"),
        ("x.csv", b"\xff\xd8\xff\xe0" + bytes(20), "a JPEG image"),
        ("x.dbf", b"\x03\x7c\x01\x01" + bytes(60), "a dBASE table"),
        ("x.json", b"%PDF-1.7\n", "a PDF document"),
        ("x.csv", b"a,b\n\x00\x01\x02", "a binary file"),
        ("x.csv", "a,b\n1,2\n".encode("utf-16-le"), "--encoding utf-16-le"),
        ("x.csv", "a,b\n1,2\n".encode("utf-16-be"), "--encoding utf-16-be"),
    ],
)
def test_a_binary_file_is_refused_by_what_it_is(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    with pytest.raises(ImportRefused, match=what):
        rows(written(tmp_path, name, content))


def test_a_binary_file_is_refused_whatever_encoding_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="not text in cp1252: it contains NUL characters"):
        rows(written(tmp_path, "x.csv", b"a,b\n1,\x00\n"), encoding="cp1252")


def test_an_archive_is_not_taken_for_a_workbook(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.csv", "a\n1\n")
    with pytest.raises(ImportRefused, match="a ZIP archive; unpack it first"):
        rows(written(tmp_path, "x.xlsx", archive.getvalue()))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"encoding": "utf-9"}, "--encoding utf-9: unknown encoding"),
        ({"encoding": "base64"}, "--encoding base64: unknown encoding"),
        ({"format": "xlsx"}, "--format xlsx: the file is not xlsx"),
        ({"rows_at": "items"}, "--rows applies to json files; this file is csv"),
        ({"sheet": "One"}, "--sheet applies to xlsx files; this file is csv"),
        ({"format": "json", "delimiter": ";"}, "--delimiter applies to csv files; this file is json"),
    ],
)
def test_options_that_do_not_fit_the_file_are_refused(tmp_path: Path, options: dict[str, str], reason: str) -> None:
    with pytest.raises(ImportRefused, match=reason):
        rows(written(tmp_path, "x.csv", b"a,b\n"), **options)


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="Is a directory"):
        open_source(tmp_path, "x", ReadOptions())
    with pytest.raises(ImportRefused, match="No such file"):
        open_source(tmp_path / "none", "x", ReadOptions())
