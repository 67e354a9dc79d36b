-- A page of projects is read in its order, and those that a user sees are counted, without reading the others.
CREATE INDEX projects_in_order ON projects (workspace_id, id, private);

CREATE INDEX permissions_by_group ON permissions (group_id, project_id);

DROP INDEX permissions_by_user;

CREATE INDEX permissions_by_user ON permissions (user_id, workspace_id, project_id);
