-- The version of what processes remember of callers and linkers. A transaction that changes these counts it up before it
-- commits (`storage/remembered.py`), and no other writes it. One row.
CREATE TABLE remembered (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    version BIGINT NOT NULL
);

INSERT INTO remembered (only_row, version) VALUES (1, 0);
