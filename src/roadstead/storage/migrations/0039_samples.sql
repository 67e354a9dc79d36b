-- Whether a delivery tells of an event that did not happen, which an operator had sent as a sample.
ALTER TABLE deliveries ADD COLUMN is_sample INTEGER NOT NULL DEFAULT 0;
