-- The ids of assets that the selection of a job finds outside the lists, by day since 1970: each is selected once.
CREATE TABLE found_ids (
  job_id BLOB NOT NULL,
  day INTEGER NOT NULL,
  asset_id BLOB NOT NULL,
  PRIMARY KEY (job_id, day, asset_id)
) STRICT, WITHOUT ROWID;
