-- `began_ms` is the time in the id; `parameters`, `progress` and `checkpoint` are JSON.
CREATE TABLE jobs (
  id BLOB NOT NULL PRIMARY KEY,
  began_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  parameters BLOB NOT NULL,
  requested_by TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  ended_ms INTEGER,
  rate REAL,
  progress BLOB NOT NULL,
  checkpoint BLOB NOT NULL
) STRICT;
CREATE INDEX jobs_by_time ON jobs (began_ms, id);

CREATE TABLE job_notes (
  job_id BLOB NOT NULL,
  at_ms INTEGER NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (job_id, at_ms, note)
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
  name TEXT NOT NULL PRIMARY KEY,
  holder TEXT NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
