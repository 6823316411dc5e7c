"""The content of the full-text indices in `search.db`, read without AMP."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

_TABLES = ("entry_words", "document_words")
_DOC_BITS, _ENTRY_BITS = 32, 14


class Posting(NamedTuple):
    """One word at one place. Places are named, so that they can be compared between indices."""

    word: str
    index_name: str
    doc_id: str
    field: tuple[str, str, bool] | None = None  #: key, kind and whether latest; None: the word is somewhere in it
    entry: int | None = None


def postings(folder: Path) -> list[Posting]:
    """Every word in both full-text indices, sorted. A row of no document fails the test."""
    with _opened(folder) as connection:
        documents = {
            doc: (index, doc_id)
            for doc, index, doc_id in connection.execute(
                "SELECT d.doc, i.name, d.doc_id FROM documents d JOIN indices i ON i.id = d.index_id"
            )
        }
        fields = {
            number: (key, kind, bool(latest))
            for number, key, kind, latest in connection.execute("SELECT id, key, kind, latest FROM fields")
        }
        found = [Posting(word, *documents[row]) for word, row in _words(connection, "document_words")]
        for word, row in _words(connection, "entry_words"):
            field = fields[row >> _ENTRY_BITS & (1 << _DOC_BITS - _ENTRY_BITS) - 1]
            found.append(Posting(word, *documents[row >> _DOC_BITS], field, row & (1 << _ENTRY_BITS) - 1))
        return sorted(found, key=repr)


def matched_rows(folder: Path, table: str, words: Iterable[str]) -> dict[str, list[int]]:
    """The rows that a search for each word finds."""
    match = f"SELECT rowid FROM {table} WHERE {table} MATCH ?"
    with _opened(folder) as connection:
        return {word: [row for (row,) in connection.execute(match, (f'"{word}"',))] for word in words}


def row_count(folder: Path, table: str) -> int:
    """The number of rows that have a word."""
    with _opened(folder) as connection:
        return len({row for _, row in _words(connection, table)})


def require_sound(folder: Path) -> None:
    """FTS5's own check of both indices. It does not know the texts."""
    with _opened(folder) as connection:
        for table in _TABLES:
            connection.execute(f"INSERT INTO {table} ({table}) VALUES ('integrity-check')")


def _words(connection: sqlite3.Connection, table: str) -> list[tuple[str, int]]:
    """Each word of the table with the number of its row."""
    return connection.execute(f"SELECT term, doc FROM temp.{table}_terms").fetchall()


@contextmanager
def _opened(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(folder / "search.db", isolation_level=None)) as connection:
        for table in _TABLES:
            connection.execute(f"CREATE VIRTUAL TABLE temp.{table}_terms USING fts5vocab(main, {table}, instance)")
        yield connection
