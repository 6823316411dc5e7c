-- Purged assets are on no list.
DROP INDEX assets_by_time;
DROP INDEX assets_by_type;
DROP INDEX assets_by_project;
CREATE INDEX assets_by_time ON assets (created_ms, id) WHERE state <> 'purged';
CREATE INDEX assets_by_type ON assets (type, created_ms, id) WHERE state <> 'purged';
CREATE INDEX assets_by_project ON assets (project, created_ms, id) WHERE state <> 'purged';

CREATE INDEX jobs_open ON jobs (began_ms, id) WHERE state IN ('running', 'paused');

-- The parts of jobs over assets; `ids` are one after the other.
CREATE TABLE job_chunks (
  job_id BLOB NOT NULL,
  number INTEGER NOT NULL,
  ids BLOB NOT NULL,
  passed INTEGER NOT NULL,
  position TEXT,
  PRIMARY KEY (job_id, number)
) STRICT;

CREATE TABLE job_results (
  job_id BLOB NOT NULL,
  number INTEGER NOT NULL,
  asset_id BLOB NOT NULL,
  outcome TEXT NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (job_id, number, asset_id)
) STRICT, WITHOUT ROWID;

DROP TABLE dead_letters;

-- `job_id` is NULL for those of live traffic.
CREATE TABLE dead_letters (
  id BLOB NOT NULL PRIMARY KEY,
  job_id BLOB,
  topic TEXT NOT NULL,
  payload BLOB NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX dead_letters_by_time ON dead_letters (first_ms, id);
CREATE INDEX dead_letters_by_job ON dead_letters (job_id, first_ms, id) WHERE job_id IS NOT NULL;
