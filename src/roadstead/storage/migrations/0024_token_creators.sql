-- The user who made an access token at the pages; none if an operator made it at the command line.
ALTER TABLE api_tokens ADD COLUMN creator_id BIGINT REFERENCES users (id);

-- For the lists of access tokens, and for deletions of workspaces and projects. The table is small.
CREATE INDEX api_tokens_by_workspace ON api_tokens (workspace_id, id);

CREATE INDEX api_tokens_by_project ON api_tokens (project_id, id);
