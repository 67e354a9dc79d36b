-- By this, the deliveries of a workspace that wait are counted before more are added.
CREATE INDEX deliveries_of_workspace ON deliveries (workspace) WHERE state = 'pending';
