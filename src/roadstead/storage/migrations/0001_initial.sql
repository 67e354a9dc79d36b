-- Written for every supported database; the dialect fills in {identity}, {bytes} and other names.
-- Moments are ISO 8601 text in UTC with microseconds, as the API shows them.

CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE workspaces (
    id {identity},
    slug TEXT NOT NULL UNIQUE,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_on TEXT NOT NULL
);

CREATE TABLE registrations (
    app_key TEXT PRIMARY KEY,
    descriptor_url TEXT NOT NULL,
    shared_secret {bytes} NOT NULL,
    created_on TEXT NOT NULL
);

CREATE TABLE installations (
    id {identity},
    workspace_id BIGINT NOT NULL REFERENCES workspaces (id),
    app_key TEXT NOT NULL,
    client_key TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('installed', 'uninstalled')),
    descriptor_url TEXT NOT NULL,
    descriptor TEXT NOT NULL,
    shared_secret {bytes} NOT NULL,
    installed_on TEXT NOT NULL,
    updated_on TEXT NOT NULL,
    UNIQUE (workspace_id, app_key)
);

-- A row exists while an app is being asked to accept its installation, and keeps the previous state.
CREATE TABLE handshakes (
    installation_id BIGINT PRIMARY KEY REFERENCES installations (id) ON DELETE CASCADE,
    started_on TEXT NOT NULL,
    previous_state TEXT NOT NULL CHECK (previous_state IN ('none', 'installed', 'uninstalled')),
    previous_descriptor_url TEXT NOT NULL,
    previous_descriptor TEXT NOT NULL,
    previous_secret {bytes}
);

-- `position` is the place in the descriptor; a linker without one belongs to a descriptor that a handshake may bring back.
CREATE TABLE linkers (
    id {identity},
    installation_id BIGINT NOT NULL REFERENCES installations (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    position INTEGER,
    regex TEXT NOT NULL,
    url TEXT NOT NULL,
    value_count BIGINT NOT NULL DEFAULT 0,
    revision BIGINT NOT NULL DEFAULT 0,
    UNIQUE (installation_id, key)
);

CREATE TABLE linker_values (
    id {identity},
    installation_id BIGINT NOT NULL,
    linker_id BIGINT NOT NULL REFERENCES linkers (id) ON DELETE CASCADE,
    value TEXT NOT NULL,
    UNIQUE (linker_id, value)
);

-- Without this one a page by id sorts the whole list: 46 times slower at 100,000 values.
CREATE INDEX linker_values_by_id ON linker_values (linker_id, id);

CREATE TABLE access_tokens (
    token_hash TEXT PRIMARY KEY,
    installation_id BIGINT NOT NULL REFERENCES installations (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    repository TEXT,
    expires_on TEXT NOT NULL
);

CREATE TABLE api_tokens (
    id {identity},
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    created_on TEXT NOT NULL,
    expires_on TEXT
);

-- One-time sign-in codes and the sessions they were exchanged for.
CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('sign-in', 'session')),
    expires_on TEXT NOT NULL
);

CREATE TABLE lifecycle_calls (
    id {identity},
    workspace_id BIGINT NOT NULL,
    installation_id BIGINT,
    app_key TEXT NOT NULL,
    event TEXT NOT NULL CHECK (event IN ('installed', 'uninstalled')),
    url TEXT NOT NULL,
    created_on TEXT NOT NULL,
    status INTEGER,
    error TEXT,
    body TEXT,
    duration_ms INTEGER
);

CREATE INDEX lifecycle_calls_by_app ON lifecycle_calls (app_key, id);
