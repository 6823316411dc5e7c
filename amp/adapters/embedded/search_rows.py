"""Writes, reads and removes search documents as rows of the search database."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from amp.adapters.embedded.search_words import (
    EntryWords,
    checked_field,
    delete_words,
    entry_words,
    insert_words,
    to_text,
)
from amp.domain.documents import Entry, IndexedDocument, SearchDocument
from amp.domain.types import FieldType

#: The kinds of the fields without a key, which belong to the document itself.
LABELS, NAME_WORDS, OTHER_WORDS = "labels", "name words", "other words"

_VALUE_KINDS = (
    ("string_value", FieldType.STRING),
    ("long_value", FieldType.LONG),
    ("double_value", FieldType.DOUBLE),
    ("boolean_value", FieldType.BOOLEAN),
    ("date_value", FieldType.DATE),
    ("text_value", FieldType.TEXT),
)


class _Document(NamedTuple):
    """A row of `documents`."""

    doc: int
    index_id: int
    doc_id: str
    revision: int
    latest: bool
    deleted: bool
    asset_id: str
    version: int
    created_ms: int
    type: str
    project: str
    external_id: str | None
    name: str | None
    state: str | None
    updated: int | None
    bytes: int  #: approximate size


_COLUMNS = ", ".join(_Document._fields)
_INSERT_DOCUMENT = f"INSERT INTO documents ({_COLUMNS}) VALUES ({', '.join('?' * len(_Document._fields))})"


class FieldIds:
    """The numbers of fields, cached. Each writer has its own instance."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str, bool], int] = {}

    def of(self, connection: sqlite3.Connection, key: str, kind: str, latest: bool) -> int:
        """Return the number of the field. A field without a number gets one.

        :raises OverflowError: all numbers are assigned.
        """
        field_id = self._ids.get((key, kind, latest))
        if field_id is None:
            row = (key, kind, latest)
            connection.execute("INSERT OR IGNORE INTO fields (key, kind, latest) VALUES (?, ?, ?)", row)
            (field_id,) = connection.execute(
                "SELECT id FROM fields WHERE key = ? AND kind = ? AND latest = ?", row
            ).fetchone()
            self._ids[key, kind, latest] = checked_field(field_id)
        return field_id

    def forget(self) -> None:
        """Clear the cache. Call this when a transaction was rolled back, and with it the numbers it assigned."""
        self._ids.clear()


class _KnownFields(FieldIds):
    """Field numbers that are only read. A field without a number has no documents and gets -1."""

    def of(self, connection: sqlite3.Connection, key: str, kind: str, latest: bool) -> int:
        row = connection.execute(
            "SELECT id FROM fields WHERE key = ? AND kind = ? AND latest = ?", (key, kind, latest)
        ).fetchone()
        return -1 if row is None else int(row[0])


@dataclass(slots=True)
class DocumentRows:
    """The rows of some documents, collected so that each table is written once, in the order of its B-tree."""

    documents: list[_Document] = field(default_factory=list)
    sources: list[tuple[int, bytes | None]] = field(default_factory=list)
    entries: list[tuple[int, int, str, int]] = field(default_factory=list)
    words: list[tuple[int, list[EntryWords]]] = field(default_factory=list)  #: of each document, in the same order

    def add(
        self, connection: sqlite3.Connection, fields: FieldIds, doc: int, index_id: int, document: IndexedDocument
    ) -> None:
        """Collect the rows of the document under the number `doc`.

        :raises OverflowError: a number would be too great.
        """
        body = document.body
        latest = body["latest"]
        entries: dict[tuple[int, str], int] = {}
        words: list[EntryWords] = []
        for number, entry in enumerate(body.get("metadata", ())):
            field_id = fields.of(connection, entry["key"], _kind(entry), latest)
            # Equal values are one entry. For the kind text it only matters that there is an entry.
            entries.setdefault((field_id, entry.get("sort_value", "")), number)
            if text := entry.get("text_value"):
                words.append(entry_words(field_id, number, text.split()))
        for number, label in enumerate(body.get("labels", ())):
            entries[fields.of(connection, "", LABELS, latest), label] = number
        if name_words := body.get("name_words"):
            words.append(entry_words(fields.of(connection, "", NAME_WORDS, latest), 0, name_words.split()))
        known = {word for row in words for word in row.words.split()}
        if other_words := [word for word in body.get("words", "").split() if word not in known]:
            words.append(entry_words(fields.of(connection, "", OTHER_WORDS, latest), 0, other_words))

        source = body.get("source")
        # Words are stored twice: as text, and in the full-text indices.
        size = (
            len(source or b"") + 2 * sum(len(row.words) for row in words) + 2 * sum(len(value) for _, value in entries)
        )
        self.entries += [(doc, field_id, value, number) for (field_id, value), number in entries.items()]
        self.words.append((doc, words))
        self.sources.append((doc, source))
        self.documents.append(
            _Document(
                *(doc, index_id, document.doc_id, document.revision, latest, body["deleted"]),
                *(body["asset_id"], body["version"], body["created_ms"], body["type"], body["project"]),
                *(body.get("external_id"), body.get("name"), body.get("state"), body.get("updated"), size),
            )
        )

    def add_raw(self, doc: int, index_id: int, raw: bytes) -> None:
        """Collect the rows of a document that `raw_document` returned, under the number `doc` and in another index."""
        columns, source, entries, words = orjson.loads(raw)
        self.documents.append(_Document(doc, index_id, *columns))
        self.sources.append((doc, source if source is None else source.encode()))
        self.entries += [(doc, *entry) for entry in entries]
        self.words.append((doc, [EntryWords(*row) for row in words]))

    def insert(self, connection: sqlite3.Connection) -> None:
        """Write the collected rows."""
        self.entries.sort()
        sources = [(*row, to_text(words)) for row, (_, words) in zip(self.sources, self.words, strict=True)]
        connection.executemany(_INSERT_DOCUMENT, self.documents)
        connection.executemany("INSERT INTO sources (doc, source, words) VALUES (?, ?, ?)", sources)
        connection.executemany("INSERT INTO entries (doc, field, value, entry) VALUES (?, ?, ?, ?)", self.entries)
        insert_words(connection, self.words)


def raw_document(connection: sqlite3.Connection, doc: int) -> bytes:
    """Return all rows of the document, without its number and index. Fields are represented by their numbers, which
    never change.
    """
    row = connection.execute(f"SELECT {_COLUMNS} FROM documents WHERE doc = ?", (doc,)).fetchone()
    source, words = connection.execute("SELECT source, words FROM sources WHERE doc = ?", (doc,)).fetchone()
    entries = connection.execute("SELECT field, value, entry FROM entries WHERE doc = ?", (doc,)).fetchall()
    return orjson.dumps([row[2:], source if source is None else source.decode(), entries, orjson.loads(words)])


def same_document(connection: sqlite3.Connection, raw: bytes, document: IndexedDocument) -> bool:
    """Return whether `raw_document` would return `raw` if the document were written now."""
    rows = DocumentRows()
    rows.add(connection, _KnownFields(), 0, 0, document)
    columns, source, entries, words = orjson.loads(raw)
    [(_, _, *wanted)] = rows.documents
    [(_, wanted_source)] = rows.sources
    [(_, wanted_words)] = rows.words
    return (
        columns == wanted
        and source == (None if wanted_source is None else wanted_source.decode())
        and sorted(map(tuple, entries)) == sorted(tuple(entry) for _, *entry in rows.entries)
        and [EntryWords(*row) for row in words] == wanted_words
    )


def remove_documents(connection: sqlite3.Connection, docs: Sequence[int]) -> None:
    """Remove the documents with these numbers and all their rows."""
    delete_words(connection, docs)
    for table in ("entries", "sources", "documents"):
        connection.executemany(f"DELETE FROM {table} WHERE doc = ?", [(doc,) for doc in docs])


def unknown_fields(body: SearchDocument) -> list[str]:
    """Return the names of the fields in `body` that search documents do not have, sorted."""
    unknown = body.keys() - SearchDocument.__annotations__.keys()
    for entry in body.get("metadata", ()):
        unknown |= entry.keys() - Entry.__annotations__.keys()
    return sorted(unknown)


def _kind(entry: Entry) -> FieldType:
    """Return the kind of the entry. Text is tried last, because an entry with a string value also has its words."""
    return next(kind for name, kind in _VALUE_KINDS if name in entry)
