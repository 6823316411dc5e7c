"""The words of search documents in two full-text indices of SQLite, FTS5 tables that store no text (ADR 012).

`entry_words` has one row per entry, for words that must occur in the same entry of a field. `document_words` has one
row per document, for words that may occur anywhere in it. FTS5 removes a row only if it is given the row's text again.
Any other text damages the index unnoticed, so the texts are stored in `sources`, in the same transaction.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import orjson

from amp.errors import SearchUnavailable

_ENTRY_BITS, _FIELD_BITS, _DOC_BITS = 14, 18, 31
#: A row of `entry_words` is numbered by its document, field and entry, so these are their greatest numbers.
MAX_ENTRY, MAX_FIELD, MAX_DOC = (1 << _ENTRY_BITS) - 1, (1 << _FIELD_BITS) - 1, (1 << _DOC_BITS) - 1

#: The parts of the number of a row `w` of `entry_words`, in SQL.
DOC_OF_ROW = f"w.rowid >> {_FIELD_BITS + _ENTRY_BITS}"
FIELD_OF_ROW = f"w.rowid >> {_ENTRY_BITS} & {MAX_FIELD}"
ENTRY_OF_ROW = f"w.rowid & {MAX_ENTRY}"

_INSERT = "INSERT INTO {0} (rowid, words) VALUES (?, ?)"
_DELETE = "INSERT INTO {0} ({0}, rowid, words) VALUES ('delete', ?, ?)"


class EntryWords(NamedTuple):
    """The words of one entry of a document."""

    field: int
    entry: int  #: number of the entry within the document
    words: str  #: each word once, with a space before and after it


def entry_words(field: int, entry: int, words: Iterable[str]) -> EntryWords:
    """:raises OverflowError: the number of the entry is too great."""
    if entry > MAX_ENTRY:
        raise OverflowError(f"a document can have at most {MAX_ENTRY + 1} entries with words")
    return EntryWords(field, entry, f" {' '.join(dict.fromkeys(words))} ")


def next_doc(last_doc: int) -> int:
    """Return the number of the next document.

    :raises SearchUnavailable: all numbers are assigned.
    """
    if last_doc >= MAX_DOC:
        raise SearchUnavailable(
            f"the search index has assigned all of its {MAX_DOC} document numbers: stop AMP and remove search.db;"
            " at the next start, the index is filled again from the store"
        )
    return last_doc + 1


def checked_field(field: int) -> int:
    """Return the number of a field that was just assigned.

    :raises OverflowError: it is too great.
    """
    if field > MAX_FIELD:
        raise OverflowError(f"the search index can have at most {MAX_FIELD} metadata keys, counted per kind of value")
    return field


def to_text(words: Sequence[EntryWords]) -> str:
    """Return the words of a document as `sources` stores them."""
    return orjson.dumps([tuple(row) for row in words]).decode()


def from_text(text: str) -> list[EntryWords]:
    return [EntryWords(*row) for row in orjson.loads(text)]


def insert_words(connection: sqlite3.Connection, documents: Iterable[tuple[int, Sequence[EntryWords]]]) -> None:
    """Add the words of documents, each given with its number."""
    _execute(connection, _INSERT, documents)


def delete_words(connection: sqlite3.Connection, docs: Sequence[int]) -> None:
    """Remove the words of these documents. Call this before their rows of `sources` are deleted."""
    select = "SELECT words FROM sources WHERE doc = ?"
    texts = [(doc, *connection.execute(select, (doc,)).fetchone()) for doc in docs]
    _execute(connection, _DELETE, [(doc, from_text(text)) for doc, text in texts])


def _execute(
    connection: sqlite3.Connection, statement: str, documents: Iterable[tuple[int, Sequence[EntryWords]]]
) -> None:
    """Execute the statement for each row of both tables. FTS5 writes rows together if their numbers increase."""
    of_entries, of_documents = list[tuple[int, str]](), list[tuple[int, str]]()
    for doc, entries in sorted(documents):
        rows = [((doc << _FIELD_BITS | field) << _ENTRY_BITS | entry, words) for field, entry, words in entries]
        of_entries += sorted(rows)
        if entries:
            # A word that occurs in several entries is given once, in an order that depends on the stored texts only.
            words = dict.fromkeys(word for _, _, words in entries for word in words.split())
            of_documents.append((doc, " ".join(words)))
    connection.executemany(statement.format("entry_words"), of_entries)
    connection.executemany(statement.format("document_words"), of_documents)
