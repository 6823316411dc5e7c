-- One row: so many transactions the search index had committed when the store last committed one.
CREATE TABLE index_commits (
  number INTEGER NOT NULL
) STRICT;
INSERT INTO index_commits VALUES (0);
