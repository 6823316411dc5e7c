-- The greatest number a document was given so far, one row. None is given twice, so that whatever is written after a
-- mark has a greater one.
CREATE TABLE numbers (
    doc INTEGER NOT NULL
);
INSERT INTO numbers SELECT coalesce(max(doc), 0) FROM documents;

-- Tombstones too: moves walk all that an index holds.
DROP INDEX documents_by_created;
CREATE INDEX documents_by_created ON documents (created_ms, asset_id, version, latest, index_id, deleted);
