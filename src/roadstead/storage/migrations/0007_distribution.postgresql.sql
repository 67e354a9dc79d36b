-- What a database that spreads over machines demands of tables that it is to distribute: each key of theirs has the
-- installation, by which they are distributed, and so has each reference from one of them to another. It stands last, for
-- it tells apart nothing, and would be compared for each row that is added.
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
