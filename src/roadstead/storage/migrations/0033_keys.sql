-- Public keys with which users connect over SSH. A key belongs to one user.
CREATE TABLE ssh_keys (
    id {identity},
    uuid TEXT NOT NULL UNIQUE,
    user_id BIGINT NOT NULL REFERENCES users (id),
    key TEXT NOT NULL,
    comment TEXT NOT NULL,
    fingerprint TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL,
    created_on TEXT NOT NULL,
    expires_on TEXT,
    last_used_on TEXT
);

CREATE INDEX ssh_keys_by_user ON ssh_keys (user_id, id);

-- Public keys that read a repository, or the repositories of a project. A key may be there for several.
CREATE TABLE deploy_keys (
    id {identity},
    project_id BIGINT REFERENCES projects (id) ON DELETE CASCADE,
    repository_id BIGINT REFERENCES repositories (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    comment TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    label TEXT NOT NULL,
    created_on TEXT NOT NULL,
    last_used_on TEXT,
    creator_id BIGINT REFERENCES users (id),
    UNIQUE (repository_id, fingerprint),
    UNIQUE (project_id, fingerprint),
    CHECK ((project_id IS NULL) <> (repository_id IS NULL))
);

CREATE INDEX deploy_keys_by_fingerprint ON deploy_keys (fingerprint);
