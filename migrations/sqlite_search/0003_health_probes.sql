-- Written by readiness checks: one row, replaced each time.
CREATE TABLE health_probes (
    name      TEXT PRIMARY KEY,
    probed_ms INTEGER NOT NULL,
    content   BLOB NOT NULL
);
