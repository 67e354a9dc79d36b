-- What builds and checks say about commits: one status for each key.
CREATE TABLE commit_statuses (
    id {identity},
    repository_id BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    commit_hash TEXT NOT NULL,
    key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('SUCCESSFUL', 'FAILED', 'INPROGRESS', 'STOPPED')),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    url TEXT NOT NULL,
    refname TEXT,
    created_on TEXT NOT NULL,
    updated_on TEXT NOT NULL,
    UNIQUE (repository_id, commit_hash, key)
);

CREATE INDEX commit_statuses_in_order ON commit_statuses (repository_id, commit_hash, id);
