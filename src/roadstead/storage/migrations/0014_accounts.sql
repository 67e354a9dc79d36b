-- People. Rows are never deleted, because commits and comments name them; a user who may no longer sign in is not active.
CREATE TABLE users (
    id {identity},
    uuid TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL UNIQUE,
    username TEXT NOT NULL UNIQUE,
    nickname TEXT NOT NULL,
    display_name TEXT NOT NULL,
    created_on TEXT NOT NULL,
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    is_administrator INTEGER NOT NULL CHECK (is_administrator IN (0, 1))
);

-- Addresses are in lower case.
CREATE TABLE emails (
    id {identity},
    user_id BIGINT NOT NULL REFERENCES users (id),
    address TEXT NOT NULL UNIQUE,
    is_primary INTEGER NOT NULL CHECK (is_primary IN (0, 1)),
    is_confirmed INTEGER NOT NULL CHECK (is_confirmed IN (0, 1))
);

CREATE INDEX emails_by_user ON emails (user_id, id);

-- Tokens and sessions that exist are the operator's, who is user 1. These columns have no reference: SQLite adds a column
-- that has one only if it is empty. A token without scopes has all of them.
ALTER TABLE api_tokens ADD COLUMN user_id BIGINT NOT NULL DEFAULT 1;

ALTER TABLE api_tokens ADD COLUMN scopes TEXT;

ALTER TABLE api_tokens ADD COLUMN last_used_on TEXT;

ALTER TABLE sessions ADD COLUMN user_id BIGINT NOT NULL DEFAULT 1;
