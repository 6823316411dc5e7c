"""Recognizes what a file is by its name and its first bytes."""

import codecs
import json
import zipfile
from pathlib import Path, PurePath

from amp.cli.importing.refused import ImportRefused

FORMATS = ("json", "ndjson", "csv", "xlsx", "parquet")
#: Number of bytes at the beginning of a file that are looked at.
BEGINNING_BYTES = 1 << 16
_SUFFIXES = {
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".xlsx": "xlsx",
    ".parquet": "parquet",
}
_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}
_COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz")
_BINARY = {
    b"PK\x03\x04": "a ZIP archive; unpack it first",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Office document (such as XLS); save it as XLSX or CSV",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x89PNG": "a PNG image",
    b"GIF8": "a GIF image",
    b"%PDF-": "a PDF document",
    b"{\\rtf": "an RTF document; save it as CSV",
    b"SQLite format 3\x00": "an SQLite database",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"\x28\xb5\x2f\xfd": "a Zstandard file; decompress it first",
}
_DBF = b"\x02\x03\x30\x31\x43\x63\x83\x8b\xf5\xfb"
#: The longer marks come first, because those of UTF-32 begin with those of UTF-16.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def compression_of(beginning: bytes) -> str | None:
    """Return `gzip`, `bzip2`, `xz` or None."""
    return next((name for magic, name in _COMPRESSIONS.items() if beginning.startswith(magic)), None)


def encoding_of(beginning: bytes) -> str:
    """Return the encoding that the byte order mark states, or UTF-8."""
    return next((name for mark, name in _BYTE_ORDER_MARKS.items() if beginning.startswith(mark)), "utf-8-sig")


def binary_format_of(path: Path, name: str, beginning: bytes) -> str | None:
    """Return `xlsx` or `parquet` if the file is one, and None if it is text.

    :raises ImportRefused: it is another binary file; the message says which.
    """
    if beginning.startswith(b"PAR1"):
        return "parquet"
    if beginning.startswith(b"PK\x03\x04") and _is_workbook(path):
        return "xlsx"
    what = next((what for magic, what in _BINARY.items() if beginning.startswith(magic)), None)
    if what is None and beginning[:1] in _DBF and b"\x00" in beginning and PurePath(name).suffix.lower() == ".dbf":
        what = "a dBASE table; save it as CSV"
    if what is None and encoding_of(beginning) == "utf-8-sig" and b"\x00" in beginning:
        even, odd = beginning[::2].count(0), beginning[1::2].count(0)
        if max(even, odd) > len(beginning) // 4 and min(even, odd) == 0:
            raise ImportRefused(f"the file seems to be UTF-16: use --encoding utf-16-{'be' if even else 'le'}")
        what = "a binary file"
    if what is not None:
        raise ImportRefused(f"the file is {what}. Files of the formats {', '.join(FORMATS)} can be imported")
    return None


def text_format_of(name: str, beginning: str) -> str:
    """Return the format of a text file by its suffix, or else by its beginning."""
    path = PurePath(name)
    if path.suffix.lower() in _COMPRESSED_SUFFIXES:
        path = path.with_suffix("")
    format_ = _SUFFIXES.get(path.suffix.lower())
    if format_ in ("json", "ndjson", "csv"):
        return format_
    match beginning.lstrip()[:1]:
        case "[":
            return "json"
        case "{":
            return "ndjson" if _begins_with_json_line(beginning) else "json"
        case _:
            return "csv"


def _begins_with_json_line(beginning: str) -> bool:
    line, newline, _ = beginning.lstrip().partition("\n")
    if not newline:  # one line, or one that is longer than the beginning of the file
        return True
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False
