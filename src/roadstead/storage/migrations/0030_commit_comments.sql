-- What people and apps say about commits. A deleted comment stays while there is a reply to it.
CREATE TABLE commit_comments (
    id {identity},
    repository_id BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    commit_hash TEXT NOT NULL,
    user_id BIGINT REFERENCES users (id),
    installation_id BIGINT REFERENCES installations (id) ON DELETE SET NULL,
    parent_id BIGINT,
    path TEXT,
    line_from BIGINT,
    line_to BIGINT,
    start_from BIGINT,
    start_to BIGINT,
    content TEXT NOT NULL,
    is_deleted INTEGER NOT NULL DEFAULT 0 CHECK (is_deleted IN (0, 1)),
    created_on TEXT NOT NULL,
    updated_on TEXT NOT NULL
);

CREATE INDEX commit_comments_by_commit ON commit_comments (repository_id, commit_hash, id);
CREATE INDEX commit_comments_by_installation ON commit_comments (installation_id);

-- Users who have approved commits.
CREATE TABLE commit_approvals (
    repository_id BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    commit_hash TEXT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    approved_on TEXT NOT NULL,
    PRIMARY KEY (repository_id, commit_hash, user_id)
);
