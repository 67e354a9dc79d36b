-- What an app was offered in a handshake that was undone without its answer. The first request that is signed with the
-- secret proves that the app accepted.
CREATE TABLE offers (
    id {identity},
    workspace_id BIGINT NOT NULL REFERENCES workspaces (id),
    app_key TEXT NOT NULL,
    client_key TEXT NOT NULL,
    descriptor_url TEXT NOT NULL,
    descriptor TEXT NOT NULL,
    secret {bytes} NOT NULL,
    offered_on TEXT NOT NULL
);

CREATE INDEX offers_by_client_key ON offers (client_key, id);
