-- Repositories. Each belongs to a project of its workspace; its files are in a folder that its UUID names.
CREATE TABLE repositories (
    id {identity},
    workspace_id BIGINT NOT NULL REFERENCES workspaces (id),
    project_id BIGINT NOT NULL REFERENCES projects (id),
    uuid TEXT NOT NULL UNIQUE,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    is_private INTEGER NOT NULL CHECK (is_private IN (0, 1)),
    fork_policy TEXT NOT NULL CHECK (fork_policy IN ('allow_forks', 'no_public_forks', 'no_forks')),
    language TEXT NOT NULL,
    has_issues INTEGER NOT NULL CHECK (has_issues IN (0, 1)),
    has_wiki INTEGER NOT NULL CHECK (has_wiki IN (0, 1)),
    website TEXT,
    mainbranch TEXT,
    size BIGINT NOT NULL DEFAULT 0,
    parent_id BIGINT REFERENCES repositories (id) ON DELETE SET NULL,
    storage TEXT NOT NULL DEFAULT 'data',
    own_merge_strategy INTEGER NOT NULL DEFAULT 0 CHECK (own_merge_strategy IN (0, 1)),
    own_branching_model INTEGER NOT NULL DEFAULT 0 CHECK (own_branching_model IN (0, 1)),
    created_on TEXT NOT NULL,
    updated_on TEXT NOT NULL,
    UNIQUE (workspace_id, slug)
);

CREATE INDEX repositories_in_order ON repositories (workspace_id, id, is_private);

CREATE INDEX repositories_by_project ON repositories (project_id, id, is_private);

CREATE INDEX repositories_by_parent ON repositories (parent_id, id);

-- A slug that a repository had before it was renamed leads to it, until another repository takes the slug.
CREATE TABLE repository_redirects (
    workspace_id BIGINT NOT NULL REFERENCES workspaces (id),
    slug TEXT NOT NULL,
    repository_id BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    PRIMARY KEY (workspace_id, slug)
);

CREATE INDEX repository_redirects_by_repository ON repository_redirects (repository_id);

CREATE TABLE watchers (
    id {identity},
    workspace_id BIGINT NOT NULL REFERENCES workspaces (id),
    repository_id BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id),
    UNIQUE (repository_id, user_id)
);

ALTER TABLE api_tokens ADD COLUMN repository_id BIGINT REFERENCES repositories (id) ON DELETE CASCADE;
