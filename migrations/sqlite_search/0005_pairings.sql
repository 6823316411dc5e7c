-- One row, as in the store. A new index has committed no transaction.
CREATE TABLE pairings (
    id           BLOB NOT NULL,
    transactions INTEGER NOT NULL,
    seen         INTEGER NOT NULL
);
INSERT INTO pairings SELECT x'', max(number, EXISTS (SELECT 1 FROM indices)), 0 FROM commits;
DROP TABLE commits;
