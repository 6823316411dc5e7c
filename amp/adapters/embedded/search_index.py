"""The search index on SQLite: puts through write aliases, searches over the read alias."""

import json
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from amp.adapters.embedded.search_database import SearchDatabase
from amp.adapters.embedded.search_query import search_page
from amp.adapters.embedded.search_writer import Change, SearchWriter
from amp.domain.criteria import IndexQuery, SearchPage
from amp.domain.documents import head_doc_id
from amp.ports.search_index import Put, PutResult

_VISIBLE_TIMEOUT_S = 5.0


class SqliteSearchIndex:
    def __init__(self, database: SearchDatabase) -> None:
        self._database = database
        self._writer = SearchWriter(database)

    def put(self, puts: Sequence[Put]) -> list[PutResult]:
        return self._writer.write(
            [Change(put.alias, put.document.doc_id, put.document.revision, put.document) for put in puts]
        )

    def search(self, query: IndexQuery) -> SearchPage:
        with self._database.read(query.timeout_s) as connection:
            return search_page(connection, query)

    def visible(self, ids: Collection[UUID], session: str) -> dict[UUID, int]:  # noqa: ARG002  there is only one copy
        with self._database.read(_VISIBLE_TIMEOUT_S) as connection:
            revisions = dict(
                connection.execute(
                    "SELECT d.doc_id, d.revision FROM read_filters r CROSS JOIN documents d ON d.index_id = r.index_id"
                    " WHERE d.doc_id IN (SELECT value FROM json_each(?)) AND d.deleted = 0"
                    " AND d.created_ms >= r.start_ms AND (r.end_ms IS NULL OR d.created_ms < r.end_ms)",
                    (json.dumps([head_doc_id(asset_id) for asset_id in ids]),),
                )
            )
        return {asset_id: revisions[head_doc_id(asset_id)] for asset_id in ids if head_doc_id(asset_id) in revisions}

    def written(self, aliases: Mapping[UUID, str]) -> dict[UUID, int]:
        with self._database.read(_VISIBLE_TIMEOUT_S) as connection:
            revisions = {
                (alias, doc_id): revision
                for alias, doc_id, revision in connection.execute(
                    "SELECT w.alias, d.doc_id, d.revision FROM write_aliases w"
                    " CROSS JOIN documents d ON d.index_id = w.index_id"
                    " WHERE w.alias IN (SELECT value FROM json_each(?))"
                    " AND d.doc_id IN (SELECT value FROM json_each(?))",
                    (
                        json.dumps(list(set(aliases.values()))),
                        json.dumps([head_doc_id(asset_id) for asset_id in aliases]),
                    ),
                )
            }
        keys = {asset_id: (alias, head_doc_id(asset_id)) for asset_id, alias in aliases.items()}
        return {asset_id: revisions[key] for asset_id, key in keys.items() if key in revisions}
