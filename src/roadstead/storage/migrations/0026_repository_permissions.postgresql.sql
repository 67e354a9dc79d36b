-- A permission is of a project or of a repository, never of both.
ALTER TABLE permissions
    ADD COLUMN repository_id BIGINT REFERENCES repositories (id) ON DELETE CASCADE,
    ALTER COLUMN project_id DROP NOT NULL,
    ADD UNIQUE (repository_id, user_id),
    ADD UNIQUE (repository_id, group_id),
    ADD CHECK ((project_id IS NULL) <> (repository_id IS NULL));
