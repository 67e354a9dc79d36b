-- The number of a workspace's projects, for the `size` of each page of their list.
ALTER TABLE workspaces ADD COLUMN project_count INTEGER NOT NULL DEFAULT 0;

UPDATE workspaces SET project_count = (SELECT COUNT(*) FROM projects WHERE workspace_id = workspaces.id);
