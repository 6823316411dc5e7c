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

CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY,
  topic TEXT NOT NULL,
  group_name TEXT NOT NULL,
  position INTEGER NOT NULL,
  payload BLOB NOT NULL,
  reason TEXT NOT NULL,
  put_ms INTEGER NOT NULL
) STRICT;
