-- Which of the keys outside the database the secrets in it are sealed with, by its fingerprint. One row.

CREATE TABLE sealing_key (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    fingerprint TEXT NOT NULL
);
