-- OAuth consumers of workspaces. `owner_id` is who a consumer is when it acts for no one else.
CREATE TABLE consumers (
    id {identity},
    key TEXT NOT NULL UNIQUE,
    secret_hash TEXT NOT NULL,
    workspace_id BIGINT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    owner_id BIGINT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    callback_url TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_on TEXT NOT NULL
);

CREATE INDEX consumers_by_workspace ON consumers (workspace_id, id);

-- What a user let a consumer do, once, and the tokens that follow from it. `redirect_uri` and `challenge` are those of the
-- request for a code, if it had any. `expires_on` is when the last token ends.
CREATE TABLE oauth_grants (
    id {identity},
    consumer_id BIGINT NOT NULL REFERENCES consumers (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id),
    scopes TEXT NOT NULL,
    redirect_uri TEXT,
    challenge TEXT,
    expires_on TEXT NOT NULL
);

CREATE INDEX oauth_grants_by_consumer ON oauth_grants (consumer_id, expires_on);

CREATE INDEX oauth_grants_by_user ON oauth_grants (user_id);

-- A used code or refresh token stays until it expires, so that its second use is noticed.
CREATE TABLE oauth_tokens (
    token_hash TEXT NOT NULL PRIMARY KEY,
    grant_id BIGINT NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('code', 'access', 'refresh')),
    is_used INTEGER NOT NULL CHECK (is_used IN (0, 1)),
    expires_on TEXT NOT NULL
);

CREATE INDEX oauth_tokens_by_grant ON oauth_tokens (grant_id, expires_on);
