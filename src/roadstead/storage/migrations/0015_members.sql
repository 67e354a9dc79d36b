-- The people of workspaces. Every workspace has an owner: those that exist have the operator.
CREATE TABLE members (
    workspace_id BIGINT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'collaborator', 'member')),
    added_on TEXT NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
);

CREATE INDEX members_by_user ON members (user_id, workspace_id);

INSERT INTO members (workspace_id, user_id, role, added_on) SELECT id, 1, 'owner', created_on FROM workspaces;

-- A workspace that an installation made goes with it, if the app refuses the first handshake.
ALTER TABLE workspaces ADD COLUMN made_for_app INTEGER NOT NULL DEFAULT 0;
