-- The ids of assets that jobs were given, in blocks, one after the other.
CREATE TABLE job_ids (
  job_id BLOB NOT NULL,
  number INTEGER NOT NULL,
  ids BLOB NOT NULL,
  PRIMARY KEY (job_id, number)
) STRICT;
