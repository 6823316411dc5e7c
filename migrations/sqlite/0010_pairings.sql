-- One row, which tells whether `search.db` matches this file. Each file counts its transactions since the two were
-- paired, and how many of the other's it has seen.
CREATE TABLE pairings (
  id BLOB NOT NULL,
  transactions INTEGER NOT NULL,
  seen INTEGER NOT NULL
) STRICT;
INSERT INTO pairings SELECT x'', 0, number FROM index_commits;
DROP TABLE index_commits;
