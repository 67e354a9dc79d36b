-- A permission is of a project or of a repository, never of both. SQLite cannot let a column be empty that was not.
CREATE TABLE permissions_in_either (
    id {identity},
    workspace_id BIGINT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    project_id BIGINT REFERENCES projects (id) ON DELETE CASCADE,
    user_id BIGINT REFERENCES users (id),
    group_id BIGINT REFERENCES member_groups (id) ON DELETE CASCADE,
    privilege TEXT NOT NULL CHECK (privilege IN ('read', 'write', 'create-repo', 'admin')),
    repository_id BIGINT REFERENCES repositories (id) ON DELETE CASCADE,
    UNIQUE (project_id, user_id),
    UNIQUE (project_id, group_id),
    UNIQUE (repository_id, user_id),
    UNIQUE (repository_id, group_id),
    CHECK ((user_id IS NULL) <> (group_id IS NULL)),
    CHECK ((project_id IS NULL) <> (repository_id IS NULL))
);

-- Ids go on after those that were given out, also where the last ones were deleted.
INSERT INTO sqlite_sequence (name, seq)
SELECT 'permissions_in_either', seq FROM sqlite_sequence WHERE name = 'permissions';

INSERT INTO permissions_in_either (id, workspace_id, project_id, user_id, group_id, privilege)
SELECT id, workspace_id, project_id, user_id, group_id, privilege FROM permissions ORDER BY id;

DROP TABLE permissions;

ALTER TABLE permissions_in_either RENAME TO permissions;

CREATE INDEX permissions_by_user ON permissions (user_id, workspace_id, project_id);

CREATE INDEX permissions_by_group ON permissions (group_id, project_id);
