-- The request of a lifecycle call, without secrets.
ALTER TABLE lifecycle_calls ADD COLUMN request TEXT;
