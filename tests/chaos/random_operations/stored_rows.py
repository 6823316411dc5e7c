"""The store's rows, read past the service and its adapters: who made each revision of an asset."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from amp.adapters.cassandra.session import CassandraSession
from tests.support.consistency.compare import RawDocument

#: Without a filter: Cassandra 5.0.4 fails at times when it filters a whole table (error in SSTableScanner).
_CQL_ASSETS = (
    "SELECT id, state, revision, version, project, external_id, labels, created_by,"
    " row_kind, number, kind, row_by, change_id, row_revision, metadata, row_labels FROM {ks}.assets"
)
_HEAD_COLUMNS = 8
_CQL_INTENTS = "SELECT asset_id, change_id FROM {ks}.intents"


class Revision(NamedTuple):
    kind: str
    by: str
    change_id: UUID


class Written(NamedTuple):
    """A version row."""

    revision: int
    metadata: str  #: JSON
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeadRow:
    id: UUID
    state: str
    revision: int
    version: int
    project: str
    external_id: str | None
    labels: tuple[str, ...]
    created_by: str

    @property
    def name(self) -> tuple[str, str] | None:
        """Its project and external id; None: it has none, or is purged."""
        return None if self.external_id is None or self.state == "purged" else (self.project, self.external_id)


@dataclass(frozen=True, slots=True)
class StoredRows:
    heads: dict[UUID, HeadRow]
    revisions: dict[UUID, dict[int, Revision]]
    versions: dict[UUID, dict[int, Written]]
    #: The asset and the change of each intent.
    intents: list[tuple[UUID, UUID]]

    def unpublished(self) -> list[UUID]:
        """The assets with a change that was made and whose event may not be out."""
        active = {id_ for id_, head in self.heads.items() if head.state != "purged"}
        made = {(id_, step.change_id) for id_ in active for step in self.revisions.get(id_, {}).values()}
        return [id_ for id_, change_id in self.intents if (id_, change_id) in made]


def embedded_rows(folder: Path) -> StoredRows:
    import orjson

    with closing(sqlite3.connect(f"file:{folder / 'store.db'}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")
        heads = connection.execute(
            "SELECT id, state, revision, version, project, external_id, labels, created_by FROM assets"
        ).fetchall()
        revisions = connection.execute(
            "SELECT asset_id, revision, kind, changed_by, change_id FROM revisions"
        ).fetchall()
        versions = connection.execute("SELECT asset_id, version, revision, metadata, labels FROM versions").fetchall()
        intents = connection.execute("SELECT asset_id, change_id FROM intents").fetchall()
    return _rows(
        [(UUID(bytes=id_), *rest, orjson.loads(labels), by) for id_, *rest, labels, by in heads],
        [(UUID(bytes=id_), *rest, UUID(bytes=change_id)) for id_, *rest, change_id in revisions],
        [(UUID(bytes=id_), *rest, orjson.loads(labels)) for id_, *rest, labels in versions],
        [(UUID(bytes=id_), UUID(bytes=change_id)) for id_, change_id in intents],
    )


def cluster_rows(session: CassandraSession) -> StoredRows:
    heads, revisions, versions = {}, [], []
    for row in session.run(_CQL_ASSETS):
        id_, *_ = heads[row[0]] = tuple(row[:_HEAD_COLUMNS])
        row_kind, number, kind, by, change_id, *content = row[_HEAD_COLUMNS:]
        if row_kind == "revision":
            revisions.append((id_, number, kind, by, change_id))
        elif row_kind == "version":
            versions.append((id_, number, *content))
    return _rows(list(heads.values()), revisions, versions, session.run(_CQL_INTENTS))


def _rows(heads: list, revisions: list, versions: list, intents: list) -> StoredRows:
    by_id: dict[UUID, HeadRow] = {}
    for id_, state, revision, version, project, external_id, labels, created_by in heads:
        if state is not None:
            by_id[id_] = HeadRow(id_, state, revision, version, project, external_id, tuple(labels or ()), created_by)
    steps: dict[UUID, dict[int, Revision]] = defaultdict(dict)
    for id_, number, kind, by, change_id in revisions:
        steps[id_][number] = Revision(kind or "", by or "", change_id)
    contents: dict[UUID, dict[int, Written]] = defaultdict(dict)
    for id_, number, revision, metadata, labels in versions:
        contents[id_][number] = Written(revision, metadata or "{}", tuple(labels or ()))
    return StoredRows(by_id, dict(steps), dict(contents), [(id_, change_id) for id_, change_id in intents])


def embedded_documents(folder: Path) -> Iterator[RawDocument]:
    """Every document of every index that was not dropped, past all aliases and their filters."""
    with closing(sqlite3.connect(f"file:{folder / 'search.db'}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT i.name, d.doc_id, d.revision, d.version, d.latest, d.deleted FROM documents d"
            " JOIN indices i ON i.id = d.index_id WHERE i.dropped = 0"
        ).fetchall()
    for index, doc_id, revision, version, latest, deleted in rows:
        body = {"version": version, "revision": revision, "latest": bool(latest), "deleted": bool(deleted)}
        yield RawDocument(index, doc_id, revision, body)
