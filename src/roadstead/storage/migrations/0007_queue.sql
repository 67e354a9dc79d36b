-- Pending calls to apps: `due_on` is the time of the next attempt, `claimed_until` the end of the running attempt's
-- claim. A row keeps everything needed to make the call, so that it outlives the installation: the body, the canonical
-- request that is signed, and the sealed secret to sign with.
ALTER TABLE lifecycle_calls ADD COLUMN content TEXT;

ALTER TABLE lifecycle_calls ADD COLUMN canonical TEXT;

ALTER TABLE lifecycle_calls ADD COLUMN secret {bytes};

ALTER TABLE lifecycle_calls ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;

ALTER TABLE lifecycle_calls ADD COLUMN due_on TEXT;

ALTER TABLE lifecycle_calls ADD COLUMN claimed_until TEXT;

ALTER TABLE lifecycle_calls ADD COLUMN given_up_on TEXT;

CREATE INDEX lifecycle_calls_due ON lifecycle_calls (due_on) WHERE due_on IS NOT NULL;

CREATE INDEX lifecycle_calls_given_up ON lifecycle_calls (given_up_on) WHERE given_up_on IS NOT NULL;
