-- Access tokens of workspaces and projects. Each acts as an account of its own, which stays when the token has gone, because
-- commits and comments name it. An account of another kind than `user` has no e-mail address, role or session.
ALTER TABLE users ADD COLUMN kind TEXT NOT NULL DEFAULT 'user';

ALTER TABLE api_tokens ADD COLUMN workspace_id BIGINT REFERENCES workspaces (id) ON DELETE CASCADE;

ALTER TABLE api_tokens ADD COLUMN project_id BIGINT REFERENCES projects (id) ON DELETE CASCADE;
