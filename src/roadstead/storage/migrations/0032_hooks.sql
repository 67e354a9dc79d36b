-- Subscriptions to events of a repository, or, without one, of a workspace. An app's hooks go with its installation.
CREATE TABLE hooks (
    id {identity},
    uuid TEXT NOT NULL UNIQUE,
    workspace_id BIGINT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    repository_id BIGINT REFERENCES repositories (id) ON DELETE CASCADE,
    installation_id BIGINT REFERENCES installations (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    home TEXT,
    description TEXT NOT NULL,
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    secret {bytes},
    events TEXT NOT NULL,
    skip_cert_verification INTEGER NOT NULL CHECK (skip_cert_verification IN (0, 1)),
    history_enabled INTEGER NOT NULL CHECK (history_enabled IN (0, 1)),
    created_at TEXT NOT NULL
);

CREATE INDEX hooks_by_subject ON hooks (workspace_id, repository_id, id);
CREATE INDEX hooks_by_installation ON hooks (installation_id);
