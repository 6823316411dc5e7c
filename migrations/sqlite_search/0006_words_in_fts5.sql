-- Words are found with FTS5 (ADR 012). The index is emptied. Its buckets count as lost, so they are filled again from
-- the store. Numbers of documents and fields stay assigned.
DELETE FROM indices;
DELETE FROM write_aliases;
DELETE FROM read_filters;
DELETE FROM documents;
DELETE FROM entries;
DROP TABLE words;
DROP TABLE sources;

-- The words of a document, to be removed with it or tested: a JSON array of arrays [field, entry, " word word "]. And
-- what is read for the hits of a page only.
CREATE TABLE sources (
    doc    INTEGER PRIMARY KEY,
    words  TEXT NOT NULL,
    source BLOB
);

-- The words of each entry. The number of a row: 31 bits document, 18 bits field, 14 bits entry.
CREATE VIRTUAL TABLE entry_words USING fts5(
    words, content='', detail=none, columnsize=0, tokenize="ascii tokenchars '.'"
);
-- The words of each document. The number of a row is the document's.
CREATE VIRTUAL TABLE document_words USING fts5(
    words, content='', detail=none, columnsize=0, tokenize="ascii tokenchars '.'"
);
