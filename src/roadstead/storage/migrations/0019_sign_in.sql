-- Passwords, for the pages alone. An export without secrets leaves the hash out.
CREATE TABLE passwords (
    user_id BIGINT NOT NULL PRIMARY KEY REFERENCES users (id),
    hash TEXT,
    changed_on TEXT NOT NULL
);

-- Invitations that are open: one that is used or withdrawn is deleted. Each is of the user who made it, and may be into a
-- workspace with a role there.
CREATE TABLE invitations (
    id {identity},
    token_hash TEXT NOT NULL UNIQUE,
    inviter_id BIGINT NOT NULL REFERENCES users (id),
    username TEXT,
    email TEXT,
    workspace_id BIGINT REFERENCES workspaces (id) ON DELETE CASCADE,
    role TEXT CHECK (role IN ('owner', 'collaborator', 'member')),
    expires_on TEXT NOT NULL,
    CHECK ((workspace_id IS NULL) = (role IS NULL))
);

CREATE INDEX invitations_by_inviter ON invitations (inviter_id);

CREATE INDEX invitations_by_workspace ON invitations (workspace_id, id);
