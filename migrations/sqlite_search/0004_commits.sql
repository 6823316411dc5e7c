-- One row: so many transactions were committed here.
CREATE TABLE commits (
    number INTEGER NOT NULL
);
INSERT INTO commits VALUES (0);
