-- The whole schema, for reading: what the numbered migrations add up to (a test compares them).

-- Ids are the 16 bytes of a UUID, times milliseconds since 1970, `metadata` and `labels` JSON.

-- Heads. The listings by time, type and project are indexes over them, so they can never disagree.
-- Purged assets are on no list.
CREATE TABLE assets (
  id BLOB NOT NULL PRIMARY KEY,
  created_ms INTEGER NOT NULL,
  type TEXT NOT NULL,
  type_version INTEGER NOT NULL,
  project TEXT NOT NULL,
  external_id TEXT,
  name TEXT NOT NULL,
  metadata BLOB NOT NULL,
  labels BLOB NOT NULL,
  version INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  state TEXT NOT NULL,
  created_by TEXT NOT NULL,
  updated_ms INTEGER NOT NULL,
  updated_by TEXT NOT NULL,
  all_revision INTEGER NOT NULL,
  change_id BLOB NOT NULL
) STRICT;
CREATE INDEX assets_by_time ON assets (created_ms, id) WHERE state <> 'purged';
CREATE INDEX assets_by_type ON assets (type, created_ms, id) WHERE state <> 'purged';
CREATE INDEX assets_by_project ON assets (project, created_ms, id) WHERE state <> 'purged';

CREATE TABLE versions (
  asset_id BLOB NOT NULL,
  version INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  type_version INTEGER NOT NULL,
  name TEXT NOT NULL,
  metadata BLOB NOT NULL,
  labels BLOB NOT NULL,
  updated_ms INTEGER NOT NULL,
  updated_by TEXT NOT NULL,
  PRIMARY KEY (asset_id, version)
) STRICT;

-- One row per applied change; found by change id to settle whether a change was applied.
CREATE TABLE revisions (
  asset_id BLOB NOT NULL,
  change_id BLOB NOT NULL,
  revision INTEGER NOT NULL,
  kind TEXT NOT NULL,
  version INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL,
  changed_by TEXT NOT NULL,
  PRIMARY KEY (asset_id, change_id)
) STRICT, WITHOUT ROWID;

-- The due time is part of the key: clearing an intent as it was read leaves one that was renewed since.
CREATE TABLE intents (
  due_ms INTEGER NOT NULL,
  asset_id BLOB NOT NULL,
  change_id BLOB NOT NULL,
  version INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  scope TEXT NOT NULL,
  recorded_ms INTEGER NOT NULL,
  PRIMARY KEY (due_ms, asset_id, change_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE claims (
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  asset_id BLOB NOT NULL,
  digest TEXT NOT NULL,
  expires_ms INTEGER,
  PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_by_expiry ON claims (expires_ms) WHERE expires_ms IS NOT NULL;
CREATE INDEX claims_by_asset ON claims (asset_id);

CREATE TABLE types (
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (name, version)
) STRICT;

CREATE TABLE bucket_map (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  generation INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT;

CREATE TABLE shared_values (
  name TEXT NOT NULL PRIMARY KEY,
  value BLOB NOT NULL
) STRICT;

-- The local event queue. Positions are never used twice, also after old events were trimmed.
CREATE TABLE events (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  topic TEXT NOT NULL,
  payload BLOB NOT NULL
) STRICT;
CREATE INDEX events_by_topic ON events (topic);

-- `committed` is the position of the last event the group is done with.
CREATE TABLE event_groups (
  topic TEXT NOT NULL,
  name TEXT NOT NULL,
  committed INTEGER NOT NULL,
  PRIMARY KEY (topic, name)
) STRICT, WITHOUT ROWID;

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
CREATE INDEX jobs_open ON jobs (began_ms, id) WHERE state IN ('running', 'paused');

CREATE TABLE job_notes (
  job_id BLOB NOT NULL,
  at_ms INTEGER NOT NULL,
  note TEXT NOT NULL,
  kind TEXT NOT NULL DEFAULT 'other',
  PRIMARY KEY (job_id, at_ms, note)
) STRICT, WITHOUT ROWID;

-- The parts of jobs over assets; `ids` are one after the other.
CREATE TABLE job_chunks (
  job_id BLOB NOT NULL,
  number INTEGER NOT NULL,
  ids BLOB NOT NULL,
  passed INTEGER NOT NULL,
  position TEXT,
  PRIMARY KEY (job_id, number)
) STRICT;

-- The ids of assets that jobs were given, in blocks, one after the other.
CREATE TABLE job_ids (
  job_id BLOB NOT NULL,
  number INTEGER NOT NULL,
  ids BLOB NOT NULL,
  PRIMARY KEY (job_id, number)
) STRICT;

-- The ids of assets that the selection of a job finds outside the lists, by day since 1970: each is selected once.
CREATE TABLE found_ids (
  job_id BLOB NOT NULL,
  day INTEGER NOT NULL,
  asset_id BLOB NOT NULL,
  PRIMARY KEY (job_id, day, asset_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_results (
  job_id BLOB NOT NULL,
  number INTEGER NOT NULL,
  asset_id BLOB NOT NULL,
  outcome TEXT NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (job_id, number, asset_id)
) STRICT, WITHOUT ROWID;

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

-- Written by readiness checks: one row, replaced each time.
CREATE TABLE health_probes (
  name TEXT NOT NULL PRIMARY KEY,
  probed_ms INTEGER NOT NULL,
  content BLOB NOT NULL
) STRICT;

-- One row, which tells whether `search.db` matches this file. Each file counts its transactions since the two were
-- paired, and how many of the other's it has seen.
CREATE TABLE pairings (
  id BLOB NOT NULL,
  transactions INTEGER NOT NULL,
  seen INTEGER NOT NULL
) STRICT;
