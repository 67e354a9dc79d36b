-- The statements name the installation of every value, for databases that are distributed by it. So do the indices.
CREATE TABLE values_by_installation (
    id {identity},
    installation_id BIGINT NOT NULL,
    linker_id BIGINT NOT NULL REFERENCES linkers (id) ON DELETE CASCADE,
    value TEXT NOT NULL,
    UNIQUE (linker_id, value, installation_id)
);

-- Ids go on after those that were given out, also where the last ones were deleted.
INSERT INTO sqlite_sequence (name, seq)
SELECT 'values_by_installation', seq FROM sqlite_sequence WHERE name = 'linker_values';

INSERT INTO values_by_installation (id, installation_id, linker_id, value)
SELECT id, installation_id, linker_id, value FROM linker_values ORDER BY id;

DROP TABLE linker_values;

ALTER TABLE values_by_installation RENAME TO linker_values;

CREATE INDEX linker_values_by_id ON linker_values (linker_id, id, installation_id);
