"""The search index on SQLite: puts through write aliases, searches over the read alias."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from amp.adapters.embedded.search_database import SearchDatabase
from amp.adapters.embedded.search_query import answer
from amp.adapters.embedded.search_rows import DocumentRows, FieldIds, remove_documents, strange_fields
from amp.domain.criteria import SearchPage, SearchRequest
from amp.domain.documents import head_doc_id
from amp.errors import SearchUnavailable
from amp.ports.search_index import Put, PutResult, Written

_VISIBLE_TIMEOUT_S = 5.0
#: Numbers beyond 64 bits, lone surrogates, and things that are no values at all.
_UNSTORABLE = (OverflowError, ValueError, sqlite3.ProgrammingError, sqlite3.InterfaceError)


@dataclass(slots=True)
class _Stored:
    """What the index holds, or will after this transaction, under one `_id`."""

    doc: int
    revision: int
    deleted: bool
    bytes: int


class SqliteSearchIndex:
    """Each call of `put` is one transaction; what it wrote is visible when it returns."""

    def __init__(self, database: SearchDatabase) -> None:
        self._database = database
        self._fields = FieldIds()

    def put(self, puts: Sequence[Put]) -> list[PutResult]:
        try:
            with self._database.write() as connection:
                return self._put(connection, puts)
        except SearchUnavailable as e:
            return self._undone(puts, Written.BUSY, e.message)
        except _UNSTORABLE as e:
            if len(puts) == 1:
                return self._undone(puts, Written.REJECTED, str(e))
            self._fields.forget()
            # One of them is at fault; it must not keep the others out.
            return [result for put in puts for result in self.put([put])]

    def _undone(self, puts: Sequence[Put], written: Written, reason: str) -> list[PutResult]:
        self._fields.forget()
        return [PutResult(written, reason)] * len(puts)

    def _put(self, connection: sqlite3.Connection, puts: Sequence[Put]) -> list[PutResult]:
        aliases = _aliases(connection, {put.alias for put in puts})
        stored = _stored(connection, puts)
        revisions = {place: row.revision for place, row in stored.items()}
        winners: dict[tuple[int, str], Put] = {}
        results = []
        for put in puts:
            index_id, blocked = aliases.get(put.alias, (None, False))
            if index_id is None:
                results.append(PutResult(Written.STALE, f"there is no write alias {put.alias!r}"))
                continue
            if blocked:
                results.append(PutResult(Written.BUSY, f"writes through {put.alias!r} are blocked"))
                continue
            place = (index_id, put.document.doc_id)
            if revisions.get(place, put.document.revision) > put.document.revision:
                results.append(PutResult(Written.SUPERSEDED, f"revision {revisions[place]} is there"))
                continue
            if strange := strange_fields(put.document.body):
                results.append(PutResult(Written.REJECTED, f"there is no field {', '.join(strange)}"))
                continue
            revisions[place] = put.document.revision
            winners[place] = put
            results.append(PutResult(Written.DONE))
        self._write(connection, winners, stored)
        return results

    def _write(
        self,
        connection: sqlite3.Connection,
        winners: dict[tuple[int, str], Put],
        stored: dict[tuple[int, str], _Stored],
    ) -> None:
        (next_doc,) = connection.execute("SELECT coalesce(max(doc), 0) + 1 FROM documents").fetchone()
        rows = DocumentRows()
        grown: dict[int, list[int]] = {}
        for place, put in winners.items():
            before = stored.get(place)
            doc = before.doc if before else next_doc
            next_doc += before is None
            size = rows.add(connection, self._fields, doc, place[0], put.document)
            growth = grown.setdefault(place[0], [0, 0])
            growth[0] += (not put.document.body["deleted"]) - (before is not None and not before.deleted)
            growth[1] += size - (before.bytes if before else 0)
        remove_documents(connection, [stored[place].doc for place in winners if place in stored])
        rows.insert(connection)
        connection.executemany(
            "UPDATE indices SET documents = documents + ?, bytes = bytes + ? WHERE id = ?",
            [(*growth, index_id) for index_id, growth in grown.items()],
        )

    def search(self, request: SearchRequest) -> SearchPage:
        with self._database.read(request.timeout_s) as connection:
            return answer(connection, request)

    def visible(self, ids: Collection[UUID], session: str) -> dict[UUID, int]:  # noqa: ARG002  there is one copy only
        with self._database.read(_VISIBLE_TIMEOUT_S) as connection:
            found = dict(
                connection.execute(
                    "SELECT d.doc_id, d.revision FROM read_filters r CROSS JOIN documents d ON d.index_id = r.index_id"
                    " WHERE d.doc_id IN (SELECT value FROM json_each(?)) AND d.deleted = 0"
                    " AND d.created_ms >= r.start_ms AND (r.end_ms IS NULL OR d.created_ms < r.end_ms)",
                    (json.dumps([head_doc_id(asset_id) for asset_id in ids]),),
                )
            )
        return {asset_id: found[head_doc_id(asset_id)] for asset_id in ids if head_doc_id(asset_id) in found}

    def written(self, places: Mapping[UUID, str]) -> dict[UUID, int]:
        with self._database.read(_VISIBLE_TIMEOUT_S) as connection:
            found = {
                (alias, doc_id): revision
                for alias, doc_id, revision in connection.execute(
                    "SELECT w.alias, d.doc_id, d.revision FROM write_aliases w"
                    " CROSS JOIN documents d ON d.index_id = w.index_id"
                    " WHERE w.alias IN (SELECT value FROM json_each(?))"
                    " AND d.doc_id IN (SELECT value FROM json_each(?))",
                    (
                        json.dumps(list(set(places.values()))),
                        json.dumps([head_doc_id(asset_id) for asset_id in places]),
                    ),
                )
            }
        keys = {asset_id: (alias, head_doc_id(asset_id)) for asset_id, alias in places.items()}
        return {asset_id: found[key] for asset_id, key in keys.items() if key in found}


def _aliases(connection: sqlite3.Connection, names: Collection[str]) -> dict[str, tuple[int, bool]]:
    rows = connection.execute(
        "SELECT w.alias, i.id, i.blocked FROM write_aliases w JOIN indices i ON i.id = w.index_id"
        " WHERE w.alias IN (SELECT value FROM json_each(?))",
        (json.dumps(list(names)),),
    )
    return {alias: (index_id, bool(blocked)) for alias, index_id, blocked in rows}


def _stored(connection: sqlite3.Connection, puts: Sequence[Put]) -> dict[tuple[int, str], _Stored]:
    rows = connection.execute(
        "SELECT d.index_id, d.doc_id, d.doc, d.revision, d.deleted, d.bytes"
        " FROM (SELECT DISTINCT index_id FROM write_aliases WHERE alias IN (SELECT value FROM json_each(?))) w"
        " CROSS JOIN documents d ON d.index_id = w.index_id WHERE d.doc_id IN (SELECT value FROM json_each(?))",
        (
            json.dumps(list({put.alias for put in puts})),
            json.dumps(list({put.document.doc_id for put in puts})),
        ),
    )
    return {
        (index_id, doc_id): _Stored(doc, revision, bool(deleted), size)
        for index_id, doc_id, doc, revision, deleted, size in rows
    }
