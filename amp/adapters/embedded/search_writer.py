"""Writes the documents of the embedded search index, through write aliases and never over a newer revision."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from amp.adapters.embedded.search_database import SearchDatabase
from amp.adapters.embedded.search_rows import DocumentRows, FieldIds, remove_documents, unknown_fields
from amp.adapters.embedded.search_words import next_doc
from amp.domain.documents import IndexedDocument
from amp.errors import SearchUnavailable
from amp.ports.search_index import PutResult, WriteStatus

#: Raised for numbers beyond 64 bits, unpaired surrogates, and objects of unsupported types.
_UNSTORABLE = (OverflowError, ValueError, sqlite3.ProgrammingError, sqlite3.InterfaceError)


@dataclass(frozen=True, slots=True)
class Change:
    """The write of one document, under an `_id` and with a revision, or its removal."""

    alias: str
    doc_id: str
    revision: int
    #: A search document, or one as `raw_document` returns it; None: the document is removed.
    content: IndexedDocument | bytes | None


@dataclass(slots=True)
class _StoredDocument:
    """The document that the index contains under one `_id`."""

    doc: int
    revision: int
    deleted: bool
    bytes: int


class SearchWriter:
    """Writes documents. Each call is one transaction, whose documents are visible when it returns."""

    def __init__(self, database: SearchDatabase) -> None:
        self._database = database
        self._fields = FieldIds()

    def write(self, changes: Sequence[Change]) -> list[PutResult]:
        """Apply the changes, and return one result for each, in order."""
        try:
            with self._database.write() as connection:
                return self._write(connection, changes)
        except SearchUnavailable as e:
            self._fields.forget()
            return [PutResult(WriteStatus.BUSY, e.message, answered=False)] * len(changes)
        except _UNSTORABLE as e:
            if len(changes) == 1:
                return self._rolled_back(changes, WriteStatus.REJECTED, str(e))
            self._fields.forget()
            # One of the changes cannot be stored. It must not prevent the others.
            return [result for change in changes for result in self.write([change])]

    def _rolled_back(self, changes: Sequence[Change], status: WriteStatus, reason: str) -> list[PutResult]:
        self._fields.forget()
        return [PutResult(status, reason)] * len(changes)

    def _write(self, connection: sqlite3.Connection, changes: Sequence[Change]) -> list[PutResult]:
        aliases = _aliases(connection, {change.alias for change in changes})
        stored = _stored_documents(connection, changes)
        revisions = {place: row.revision for place, row in stored.items()}
        winners: dict[tuple[int, str], Change] = {}
        results = []
        removals = self._database.removals
        for change in changes:
            index_id, blocked = aliases.get(change.alias, (None, False))
            if index_id is None:
                results.append(PutResult(WriteStatus.STALE, f"there is no write alias {change.alias!r}"))
                continue
            if blocked:
                results.append(PutResult(WriteStatus.BUSY, f"writes through {change.alias!r} are blocked"))
                continue
            place = (index_id, change.doc_id)
            if revisions.get(place, change.revision) > change.revision:
                results.append(PutResult(WriteStatus.SUPERSEDED, f"the index has revision {revisions[place]}"))
                continue
            if place not in stored and removals.revision(place) > change.revision:
                results.append(PutResult(WriteStatus.SUPERSEDED, f"removed at revision {removals.revision(place)}"))
                continue
            if isinstance(change.content, IndexedDocument) and (unknown := unknown_fields(change.content.body)):
                results.append(PutResult(WriteStatus.REJECTED, f"there is no field {', '.join(unknown)}"))
                continue
            revisions[place] = change.revision
            winners[place] = change
            if change.content is None:
                removals.add(place, change.revision)
            results.append(PutResult(WriteStatus.DONE))
        self._replace(connection, winners, stored)
        return results

    def _replace(
        self,
        connection: sqlite3.Connection,
        winners: dict[tuple[int, str], Change],
        stored: dict[tuple[int, str], _StoredDocument],
    ) -> None:
        (last_doc,) = connection.execute("SELECT doc FROM numbers").fetchone()
        rows = DocumentRows()
        # Change of the number of documents and of their bytes, by index.
        growths: dict[int, list[int]] = {}
        for place, change in winners.items():
            growth = growths.setdefault(place[0], [0, 0])
            if before := stored.get(place):
                growth[0] -= not before.deleted
                growth[1] -= before.bytes
            if change.content is None:
                continue
            last_doc = next_doc(last_doc)
            if isinstance(change.content, bytes):
                rows.add_raw(last_doc, place[0], change.content)
            else:
                rows.add(connection, self._fields, last_doc, place[0], change.content)
            added = rows.documents[-1]
            growth[0] += not added.deleted
            growth[1] += added.bytes
        remove_documents(connection, [stored[place].doc for place in winners if place in stored])
        rows.insert(connection)
        connection.execute("UPDATE numbers SET doc = ?", (last_doc,))
        connection.executemany(
            "UPDATE indices SET documents = documents + ?, bytes = bytes + ? WHERE id = ?",
            [(*growth, index_id) for index_id, growth in growths.items()],
        )


def _aliases(connection: sqlite3.Connection, names: Collection[str]) -> dict[str, tuple[int, bool]]:
    rows = connection.execute(
        "SELECT w.alias, i.id, i.blocked FROM write_aliases w JOIN indices i ON i.id = w.index_id"
        " WHERE w.alias IN (SELECT value FROM json_each(?))",
        (json.dumps(list(names)),),
    )
    return {alias: (index_id, bool(blocked)) for alias, index_id, blocked in rows}


def _stored_documents(
    connection: sqlite3.Connection, changes: Sequence[Change]
) -> dict[tuple[int, str], _StoredDocument]:
    rows = connection.execute(
        "SELECT d.index_id, d.doc_id, d.doc, d.revision, d.deleted, d.bytes"
        " FROM (SELECT DISTINCT index_id FROM write_aliases WHERE alias IN (SELECT value FROM json_each(?))) w"
        " CROSS JOIN documents d ON d.index_id = w.index_id WHERE d.doc_id IN (SELECT value FROM json_each(?))",
        (
            json.dumps(list({change.alias for change in changes})),
            json.dumps(list({change.doc_id for change in changes})),
        ),
    )
    return {
        (index_id, doc_id): _StoredDocument(doc, revision, bool(deleted), size)
        for index_id, doc_id, doc, revision, deleted, size in rows
    }
