-- The names of refs such that their order is that of the numbers in them.
ALTER TABLE refs ADD COLUMN natural_name TEXT NOT NULL DEFAULT '';

CREATE INDEX refs_by_natural_name ON refs (repository_id, kind, natural_name, name);
