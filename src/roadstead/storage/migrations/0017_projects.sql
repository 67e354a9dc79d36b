-- Projects, and what users and groups may do in them.
CREATE TABLE projects (
    id {identity},
    workspace_id BIGINT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    uuid TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    private INTEGER NOT NULL CHECK (private IN (0, 1)),
    created_on TEXT NOT NULL,
    updated_on TEXT NOT NULL,
    UNIQUE (workspace_id, key)
);

-- A row is of a user or of a group, never of both.
CREATE TABLE permissions (
    id {identity},
    workspace_id BIGINT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    project_id BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user_id BIGINT REFERENCES users (id),
    group_id BIGINT REFERENCES member_groups (id) ON DELETE CASCADE,
    privilege TEXT NOT NULL CHECK (privilege IN ('read', 'write', 'create-repo', 'admin')),
    UNIQUE (project_id, user_id),
    UNIQUE (project_id, group_id),
    CHECK ((user_id IS NULL) <> (group_id IS NULL))
);

CREATE INDEX permissions_by_user ON permissions (user_id, workspace_id);

CREATE TABLE default_reviewers (
    id {identity},
    workspace_id BIGINT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    project_id BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id),
    UNIQUE (project_id, user_id)
);
