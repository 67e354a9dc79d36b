-- Files that people upload to a repository for others to download. `file` is a secret name: links are signed with it.
CREATE TABLE downloads (
    id {identity},
    repository_id BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    file TEXT NOT NULL,
    size BIGINT NOT NULL,
    downloads BIGINT NOT NULL,
    user_id BIGINT REFERENCES users (id),
    created_on TEXT NOT NULL,
    UNIQUE (repository_id, name)
);
