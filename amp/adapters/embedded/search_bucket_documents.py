"""The documents of the index of a bucket in SQLite. Pages follow the creation time. Document numbers serve as marks."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from amp.adapters.embedded.search_bucket_indices import require_index
from amp.adapters.embedded.search_database import SearchDatabase
from amp.adapters.embedded.search_rows import raw_document, same_document
from amp.adapters.embedded.search_writer import Change, SearchWriter
from amp.domain.documents import IndexedDocument, Position
from amp.ports.bucket_documents import MAX_PAGE_BYTES, RawDocument, SliceTotals, TimeRange, Totals
from amp.ports.search_index import PutResult

_TIMEOUT_S = 60.0
_BY_CREATED = "documents INDEXED BY documents_by_created"
#: Reads documents in the order of their numbers, which is the order in which they were written.
_BY_NUMBER = "documents NOT INDEXED"
_ORDER = "created_ms, asset_id, version, revision"


class SqliteBucketDocuments:
    """Each document written gets a number greater than all earlier ones, so that the last assigned number is a mark."""

    def __init__(self, database: SearchDatabase) -> None:
        self._database = database
        self._writer = SearchWriter(database)

    def mark(self, index: str) -> str:
        with self._index(index) as (connection, _):
            (last_doc,) = connection.execute("SELECT doc FROM numbers").fetchone()
        return str(last_doc)

    def page(
        self,
        index: str,
        of: TimeRange,
        *,
        after: Position | None = None,
        since: str | None = None,
        limit: int,
        bodies: bool = True,
    ) -> list[RawDocument]:
        with self._index(index) as (connection, index_id):
            where, values = _within(index_id, of)
            if after is not None:
                # The first condition repeats part of the second, because SQLite seeks in its index by the first.
                where += f" AND created_ms >= ? AND ({_ORDER}) > (?, ?, ?, ?)"
                position = (after.created_ms, after.asset_id, after.version, after.revision)
                values += (after.created_ms, *position)
            if since is not None:
                where += " AND doc > ?"
                values += (int(since),)
            rows = connection.execute(
                f"SELECT doc, created_ms, doc_id, version, revision FROM {_BY_CREATED if since is None else _BY_NUMBER}"
                f" WHERE {where} ORDER BY {_ORDER} LIMIT ?",
                (*values, limit),
            ).fetchall()
            documents = [(doc, RawDocument(Position(*position))) for doc, *position in rows]
            return _page(connection, documents) if bodies else [document for _, document in documents]

    def with_bodies(self, index: str, documents: Collection[RawDocument]) -> Iterator[list[RawDocument]]:
        pending = list(documents)
        while pending:
            with self._index(index) as (connection, index_id):
                rows = connection.execute(
                    "SELECT doc_id, revision, doc FROM documents"
                    " WHERE index_id = ? AND doc_id IN (SELECT value FROM json_each(?))",
                    (index_id, json.dumps([document.doc_id for document in pending])),
                )
                numbers = {(doc_id, revision): doc for doc_id, revision, doc in rows}
                pending = [document for document in pending if (document.doc_id, document.revision) in numbers]
                page = _page(connection, ((numbers[d.doc_id, d.revision], d) for d in pending))
            del pending[: len(page)]
            if page:
                yield page

    def revisions(self, index: str, doc_ids: Collection[str], *, refreshed: bool = False) -> dict[str, int]:  # noqa: ARG002 - always is
        with self._index(index) as (connection, index_id):
            return dict(
                connection.execute(
                    "SELECT doc_id, revision FROM documents"
                    " WHERE index_id = ? AND doc_id IN (SELECT value FROM json_each(?))",
                    (index_id, json.dumps(list(doc_ids))),
                )
            )

    def put(self, alias: str, documents: Sequence[RawDocument]) -> list[PutResult]:
        return self._writer.write([Change(alias, d.doc_id, d.revision, d.body) for d in documents])

    def delete(self, alias: str, documents: Sequence[RawDocument]) -> list[PutResult]:
        return self._writer.write([Change(alias, d.doc_id, d.revision, None) for d in documents])

    def slices(self, index: str, of: TimeRange, width_ms: int) -> list[SliceTotals]:
        with self._index(index) as (connection, index_id):
            where, values = _within(index_id, of)
            rows = connection.execute(
                f"SELECT created_ms / ? * ?, count(*), sum(revision) FROM {_BY_CREATED} WHERE {where} GROUP BY 1",
                (width_ms, width_ms, *values),
            ).fetchall()
        return [SliceTotals(of.part(start_ms, width_ms), documents, total) for start_ms, documents, total in rows]

    def totals(self, index: str, of: TimeRange, width_ms: int) -> dict[int, Totals]:
        with self._index(index) as (connection, index_id):
            where, values = _within(index_id, of)
            rows = connection.execute(
                "SELECT created_ms / ? * ?, sum(latest), sum(latest AND deleted), sum(iif(latest, revision, 0)),"
                " sum(iif(latest OR NOT deleted, version, 0)), sum(NOT latest AND NOT deleted),"
                " sum(iif(latest OR NOT deleted, created_ms, 0))"
                f" FROM {_BY_CREATED} WHERE {where} GROUP BY 1",
                (width_ms, width_ms, *values),
            ).fetchall()
        return {start_ms: Totals(*totals) for start_ms, *totals in rows}

    def of_assets(self, ids: Collection[UUID]) -> list[tuple[str, RawDocument]]:
        with self._database.read(_TIMEOUT_S) as connection:
            rows = connection.execute(
                "SELECT i.name, d.deleted, d.created_ms, d.doc_id, d.version, d.revision FROM documents d"
                " JOIN indices i ON i.id = d.index_id WHERE d.asset_id IN (SELECT value FROM json_each(?))",
                (json.dumps([str(asset_id) for asset_id in ids]),),
            ).fetchall()
        return [
            (index, RawDocument(Position(*position), tombstone=bool(deleted))) for index, deleted, *position in rows
        ]

    def matches(self, found: RawDocument, wanted: IndexedDocument) -> bool:
        with self._database.read(_TIMEOUT_S) as connection:
            return same_document(connection, found.body, wanted)

    def count(self, index: str, of: TimeRange) -> int:
        with self._index(index) as (connection, index_id):
            return _count(connection, *_within(index_id, of))

    def median_created_ms(self, index: str, of: TimeRange) -> int | None:
        with self._index(index) as (connection, index_id):
            where, values = _within(index_id, of)
            before = _count(connection, where, values) // 2
            row = connection.execute(
                f"SELECT created_ms FROM {_BY_CREATED} WHERE {where} ORDER BY created_ms LIMIT 1 OFFSET ?",
                (*values, before),
            ).fetchone()
        return None if row is None else int(row[0])

    @contextmanager
    def _index(self, index: str) -> Iterator[tuple[sqlite3.Connection, int]]:
        with self._database.read(_TIMEOUT_S) as connection:
            yield connection, require_index(connection, index)


def _page(connection: sqlite3.Connection, documents: Iterable[tuple[int, RawDocument]]) -> list[RawDocument]:
    """Return the first of the documents, which are given with their numbers, with their bodies. The page ends with the
    document whose body makes it reach `MAX_PAGE_BYTES`.
    """
    page, size = list[RawDocument](), 0
    for doc, document in documents:
        body = raw_document(connection, doc)
        page.append(replace(document, body=body))
        size += len(body)
        if size >= MAX_PAGE_BYTES:
            break
    return page


def _within(index_id: int, of: TimeRange) -> tuple[str, tuple[object, ...]]:
    optional = (("created_ms < ?", of.end_ms), ("type = ?", of.type), ("project = ?", of.project))
    given = [(condition, value) for condition, value in optional if value is not None]
    where = " AND ".join(["index_id = ? AND created_ms >= ?", *(condition for condition, _ in given)])
    return where, (index_id, of.start_ms, *(value for _, value in given))


def _count(connection: sqlite3.Connection, where: str, values: tuple[object, ...]) -> int:
    count: int = connection.execute(f"SELECT count(*) FROM {_BY_CREATED} WHERE {where}", values).fetchone()[0]
    return count
