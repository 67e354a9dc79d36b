-- What apps keep beside repositories, their commits, and users: JSON objects. Without a commit it is the repository's.
CREATE TABLE properties (
    id {identity},
    installation_id BIGINT NOT NULL REFERENCES installations (id) ON DELETE CASCADE,
    repository_id BIGINT REFERENCES repositories (id) ON DELETE CASCADE,
    commit_hash TEXT NOT NULL,
    user_id BIGINT REFERENCES users (id),
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (repository_id, commit_hash, name, installation_id),
    UNIQUE (user_id, name, installation_id),
    CHECK ((repository_id IS NULL) <> (user_id IS NULL))
);

CREATE INDEX properties_by_installation ON properties (installation_id);
