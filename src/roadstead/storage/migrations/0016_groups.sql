-- Groups of a workspace's members, which permissions are granted to.
CREATE TABLE member_groups (
    id {identity},
    workspace_id BIGINT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (workspace_id, slug)
);

CREATE TABLE group_members (
    group_id BIGINT NOT NULL REFERENCES member_groups (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id),
    PRIMARY KEY (group_id, user_id)
);

CREATE INDEX group_members_by_user ON group_members (user_id, group_id);
