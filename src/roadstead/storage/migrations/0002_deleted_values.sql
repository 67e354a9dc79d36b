-- The values that were deleted one by one lately, so that compiled linkers need not read all the others again.
CREATE TABLE deleted_values (
    installation_id BIGINT NOT NULL,
    linker_id BIGINT NOT NULL REFERENCES linkers (id) ON DELETE CASCADE,
    revision BIGINT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (linker_id, revision)
);
