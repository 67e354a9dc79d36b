-- The requirements of a distributed database: each key of a distributed table contains the installation, the
-- distribution key, and so does each reference from one to another. It comes last, because it distinguishes nothing, and
-- would be compared for each row that is added.
ALTER TABLE linker_values DROP CONSTRAINT linker_values_linker_id_fkey;

ALTER TABLE deleted_values DROP CONSTRAINT deleted_values_linker_id_fkey;

ALTER TABLE linkers DROP CONSTRAINT linkers_pkey, ADD PRIMARY KEY (id, installation_id);

DROP INDEX linker_values_by_id;

ALTER TABLE linker_values
    DROP CONSTRAINT linker_values_pkey,
    DROP CONSTRAINT linker_values_linker_id_value_key,
    ADD PRIMARY KEY (linker_id, id, installation_id),
    ADD UNIQUE (linker_id, value, installation_id),
    ADD FOREIGN KEY (linker_id, installation_id) REFERENCES linkers (id, installation_id) ON DELETE CASCADE;

ALTER TABLE deleted_values
    DROP CONSTRAINT deleted_values_pkey,
    ADD PRIMARY KEY (linker_id, revision, installation_id),
    ADD FOREIGN KEY (linker_id, installation_id) REFERENCES linkers (id, installation_id) ON DELETE CASCADE;
