-- One row per index. A dropped one keeps its row until its documents are gone; its name is free at once.
CREATE TABLE indices (
    id        INTEGER PRIMARY KEY,
    name      TEXT NOT NULL,
    blocked   INTEGER NOT NULL DEFAULT 0,
    dropped   INTEGER NOT NULL DEFAULT 0,
    documents INTEGER NOT NULL DEFAULT 0, -- tombstones not counted
    bytes     INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX indices_by_name ON indices (name) WHERE dropped = 0;

CREATE TABLE write_aliases (
    alias    TEXT PRIMARY KEY,
    index_id INTEGER NOT NULL
) WITHOUT ROWID;

-- The read alias: an index's documents created in [start_ms, end_ms).
CREATE TABLE read_filters (
    index_id INTEGER PRIMARY KEY,
    start_ms INTEGER NOT NULL,
    end_ms   INTEGER
);

CREATE TABLE documents (
    doc         INTEGER PRIMARY KEY,
    index_id    INTEGER NOT NULL,
    doc_id      TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    latest      INTEGER NOT NULL,
    deleted     INTEGER NOT NULL,
    asset_id    TEXT NOT NULL,
    version     INTEGER NOT NULL,
    created_ms  INTEGER NOT NULL,
    type        TEXT NOT NULL,
    project     TEXT NOT NULL,
    external_id TEXT,
    name        TEXT,
    state       TEXT,
    updated     INTEGER,
    bytes       INTEGER NOT NULL
);
CREATE UNIQUE INDEX documents_by_doc_id ON documents (index_id, doc_id);
-- The walk in order of creation; it holds all that decides whether a document is seen.
CREATE INDEX documents_by_created
    ON documents (created_ms, asset_id, version, latest, index_id, deleted) WHERE deleted = 0;
CREATE INDEX documents_by_asset_id ON documents (asset_id, latest);
CREATE INDEX documents_by_type ON documents (type, latest);
CREATE INDEX documents_by_project ON documents (project, latest);
CREATE INDEX documents_by_external_id ON documents (external_id, latest) WHERE external_id IS NOT NULL;
CREATE INDEX documents_by_name ON documents (name, latest) WHERE name IS NOT NULL;
CREATE INDEX documents_by_updated ON documents (updated, latest) WHERE updated IS NOT NULL;

-- What is read for the hits of a page only, and the words to remove when the document is replaced.
CREATE TABLE sources (
    doc    INTEGER PRIMARY KEY,
    source BLOB,
    words  TEXT NOT NULL
);

-- A metadata key with one kind of value; superseded versions have fields of their own, so that they cost searches of
-- the latest ones nothing. Fields with an empty key are those of the document itself: labels, name, words.
CREATE TABLE fields (
    id     INTEGER PRIMARY KEY,
    key    TEXT NOT NULL,
    kind   TEXT NOT NULL,
    latest INTEGER NOT NULL,
    UNIQUE (key, kind, latest)
);

-- Metadata entries and labels. `value` is the text whose order is the value's; empty for kind text.
-- `entry` numbers the entries of a document, so that tests of one entry can be told from tests of two.
CREATE TABLE entries (
    doc   INTEGER NOT NULL,
    field INTEGER NOT NULL,
    value TEXT NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (doc, field, value)
) WITHOUT ROWID;
CREATE INDEX entries_by_value ON entries (field, value);

CREATE TABLE words (
    word  TEXT NOT NULL,
    doc   INTEGER NOT NULL,
    field INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (word, doc, field, entry)
) WITHOUT ROWID;
