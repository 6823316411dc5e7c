"""Opens a file to import: finds out its compression, encoding and format, and yields its rows."""

import bz2
import codecs
import gzip
import io
import lzma
import os
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from amp.cli.importing.files.csv_rows import DELIMITERS, csv_rows, delimiter_of, has_spaces_before_quotes
from amp.cli.importing.files.json_rows import json_rows, ndjson_rows
from amp.cli.importing.files.kinds import (
    BEGINNING_BYTES,
    binary_format_of,
    compression_of,
    encoding_of,
    text_format_of,
)
from amp.cli.importing.files.parquet_rows import parquet_rows
from amp.cli.importing.files.rejected_file import begins_with_rejected_row, rows_in_rejected
from amp.cli.importing.files.row import Row
from amp.cli.importing.files.xlsx_rows import xlsx_rows
from amp.cli.importing.refused import ImportRefused

_DECOMPRESSORS: dict[str, Callable[[BinaryIO], Any]] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
#: What the decompressors raise: bzip2 has no error of its own.
_DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError)
_CHUNK_BYTES = 1 << 20
#: Encodings of files that are not UTF-8, in the order in which an error suggests them.
_COMMON_ENCODINGS = "cp1252 (Western Europe), cp1250, cp1251, shift_jis, gb18030"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOptions:
    """How its user says a file is to be read. What is None is found out."""

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    rows_at: str | None = None  #: The place of the rows in a JSON file; see `json_rows`.
    sheet: str | None = None  #: The sheet of an XLSX file.


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A file, and how it is read."""

    path: Path
    name: str  #: The file as messages and reports call it.
    format: str
    compression: str | None
    encoding: str
    delimiter: str
    rows_at: str | None
    sheet: str | None
    is_rejected: bool = False  #: Whether `amp import` wrote the file, with rows that it rejected.
    textual: bool = False  #: Whether the file has only text values, so that "42" may be a number.
    skip_spaces: bool = False  #: Whether spaces after a delimiter do not belong to the cell.
    signature: tuple[int, int] = (0, 0)  #: Size and time of the last change of the file.

    def require_unchanged(self) -> None:
        """Check that the file is the one that was opened first.

        :raises ImportRefused: it was changed meanwhile.
        """
        if _signature(self.path) != self.signature:
            raise ImportRefused(f"{self.name}: the file was changed while it was read")

    def description(self) -> str:
        """Return how the file is read, for reports."""
        parts = [self.format, *(["rejected rows"] if self.is_rejected else [])]
        if self.format == "csv":
            parts.append(f"separated by {DELIMITERS.get(self.delimiter, repr(self.delimiter))}")
        if self.format in ("csv", "json", "ndjson"):
            parts.append(self.encoding.removesuffix("-sig"))
        return ", ".join([*parts, *([self.compression] if self.compression else [])])

    def rows(self, opened: BinaryIO) -> Generator[Row]:
        """Yield the rows of the file in order.

        :param opened: the file, open at its beginning. Formats that need the path may open it again.
        :raises ImportRefused: the file, or the rest of it, cannot be read.
        """
        if self.format == "xlsx":
            yield from xlsx_rows(self.path, self.sheet)
        elif self.format == "parquet":
            yield from parquet_rows(self.path)
        else:
            try:
                with _decoded(opened, self) as text:
                    yield from self._text_rows(text)
            except UnicodeDecodeError:
                raise self._undecodable() from None
            except _DAMAGED as e:
                raise _damaged(self.compression, e) from e

    def _text_rows(self, text: io.TextIOWrapper) -> Generator[Row]:
        match self.format:
            case "json":
                yield from json_rows(text, self.rows_at)
            case "ndjson":
                lines = ndjson_rows(text)
                yield from rows_in_rejected(lines) if self.is_rejected else lines
            case _:
                yield from csv_rows(text, self.delimiter, skip_spaces=self.skip_spaces)

    def _undecodable(self) -> ImportRefused:
        """Return the error that names the first byte that cannot be decoded."""
        try:
            with open(self.path, "rb") as file:
                return _undecodable(_decompressed(file, self.compression), self.encoding)
        except _DAMAGED as e:
            return _damaged(self.compression, e)


def open_source(path: Path, name: str, options: ReadOptions) -> Source:
    """Find out how a file is to be read.

    :param name: the name that the user gave, whose suffix may tell the format.
    :raises ImportRefused: it cannot be read; the message says why.
    """
    compression = None
    try:
        signature = _signature(path)
        with open(path, "rb") as file:
            compression = compression_of(file.read(16))
            file.seek(0)
            beginning = _decompressed(file, compression).read(BEGINNING_BYTES)
    except _DAMAGED as e:
        raise _damaged(compression, e) from e
    binary = None if options.encoding else binary_format_of(path, name, beginning)
    encoding = _encoding(options.encoding) if options.encoding else encoding_of(beginning)
    sample = codecs.getincrementaldecoder(encoding)("replace").decode(beginning).removeprefix("\ufeff")
    if binary is None and "\x00" in sample:
        raise ImportRefused(f"the file is not text in {encoding.removesuffix('-sig')}: it contains NUL characters")
    format_ = binary or options.format or text_format_of(name, sample)
    if options.format not in (None, format_):
        raise ImportRefused(f"--format {options.format}: the file is {format_}")
    if format_ in ("xlsx", "parquet") and binary is None:
        raise ImportRefused(f"--format {format_}: the file is not {format_}")
    if binary and compression:
        raise ImportRefused(f"the file is {binary} in {compression}; decompress it first")
    for option, value, formats in (
        ("--rows", options.rows_at, ("json",)),
        ("--sheet", options.sheet, ("xlsx",)),
        ("--delimiter", options.delimiter, ("csv",)),
    ):
        if value is not None and format_ not in formats:
            raise ImportRefused(f"{option} applies to {formats[0]} files; this file is {format_}")
    rejected = begins_with_rejected_row(sample) if format_ == "ndjson" else None
    delimiter = options.delimiter or ","
    if format_ == "csv" and options.delimiter is None:
        delimiter = delimiter_of(sample, is_cut=len(beginning) == BEGINNING_BYTES)
    return Source(
        path=path,
        name=name,
        format=format_,
        compression=compression,
        encoding=encoding,
        delimiter=delimiter,
        rows_at=options.rows_at,
        sheet=options.sheet,
        is_rejected=rejected is not None,
        textual=format_ == "csv" if rejected is None else bool(rejected.get("text_only")),
        skip_spaces=format_ == "csv" and has_spaces_before_quotes(sample, delimiter),
        signature=signature,
    )


def _signature(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _damaged(compression: str | None, error: Exception) -> ImportRefused:
    if isinstance(error, OSError) and error.errno is not None:
        return ImportRefused(os.strerror(error.errno))
    return ImportRefused(f"the {compression} file is damaged: {error}")


def _decompressed(file: BinaryIO, compression: str | None) -> BinaryIO:
    return file if compression is None else cast(BinaryIO, _DECOMPRESSORS[compression](file))


@contextmanager
def _decoded(opened: BinaryIO, source: Source) -> Iterator[io.TextIOWrapper]:
    """Yield the text of an open file, and leave the file open."""
    newline = "" if source.format == "csv" else None
    file = _decompressed(opened, source.compression)
    text = io.TextIOWrapper(file, encoding=source.encoding, errors="strict", newline=newline)
    try:
        yield text
    finally:
        text.detach()


def _encoding(name: str) -> str:
    try:
        found = codecs.lookup(name)
        if not found._is_text_encoding:
            raise LookupError
    except (LookupError, ValueError):
        raise ImportRefused(f"--encoding {name}: unknown encoding; use one of utf-8, {_COMMON_ENCODINGS}") from None
    return "utf-8-sig" if found.name == "utf-8" else found.name


def _undecodable(file: BinaryIO, encoding: str) -> ImportRefused:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    bytes_before, line = 0, 1
    while True:
        chunk = file.read(_CHUNK_BYTES)
        pending = decoder.getstate()[0]
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as e:
            offset = bytes_before - len(pending) + e.start
            line += e.object[: e.start].count(b"\n")
            name = encoding.removesuffix("-sig").upper()
            advice = f"; if it is not {name}, use --encoding with one of {_COMMON_ENCODINGS}"
            return ImportRefused(f"line {line}, byte {offset}: 0x{e.object[e.start]:02x} is not {name}{advice}")
        if not chunk:
            return ImportRefused("the file was changed while it was read")
        bytes_before += len(chunk)
        line += text.count("\n")
