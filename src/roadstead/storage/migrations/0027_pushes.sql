-- The branches, tags and notes of all repositories, as their files have them.
CREATE TABLE refs (
    repository_id BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('branch', 'tag', 'note')),
    name TEXT NOT NULL,
    target TEXT NOT NULL,
    commit_hash TEXT,
    committed_on TEXT,
    PRIMARY KEY (repository_id, kind, name)
);

CREATE INDEX refs_by_time ON refs (repository_id, kind, committed_on, name);

-- Pushes that may go on and are not recorded yet. After a crash, the files tell what each did.
CREATE TABLE pushes (
    id TEXT PRIMARY KEY,
    repository_id BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    user_id BIGINT REFERENCES users (id),
    installation_id BIGINT REFERENCES installations (id) ON DELETE SET NULL,
    begun_on TEXT NOT NULL,
    changes TEXT NOT NULL
);

-- What happened, in the order in which it became known.
CREATE TABLE events (
    id {identity},
    key TEXT NOT NULL,
    workspace_id BIGINT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    repository_id BIGINT REFERENCES repositories (id) ON DELETE SET NULL,
    user_id BIGINT REFERENCES users (id),
    installation_id BIGINT REFERENCES installations (id) ON DELETE SET NULL,
    time TEXT NOT NULL,
    payload TEXT NOT NULL
);
