-- Whether an event's deliveries have still to be stored. Earlier events have none: there were no subscribers.
ALTER TABLE events ADD COLUMN is_pending INTEGER NOT NULL DEFAULT 0;

CREATE INDEX events_pending ON events (id) WHERE is_pending = 1;

-- One row for each event and subscriber, which outlives both. Of those that are pending in a lane, the first alone has
-- `due_on`: deliveries of a lane are made one after the other.
CREATE TABLE deliveries (
    id {identity},
    time TEXT NOT NULL,
    event TEXT NOT NULL,
    hook TEXT NOT NULL,
    url TEXT NOT NULL,
    status INTEGER,
    error TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    request_id TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed', 'given up')),
    workspace TEXT NOT NULL,
    repository TEXT,
    duration_ms DOUBLE PRECISION,
    resent_from BIGINT,
    is_edited INTEGER NOT NULL DEFAULT 0,
    hook_id BIGINT,
    installation_id BIGINT,
    event_time TEXT NOT NULL,
    lane TEXT NOT NULL,
    target TEXT NOT NULL,
    content TEXT NOT NULL,
    request_headers TEXT NOT NULL DEFAULT '[]',
    answer_headers TEXT NOT NULL DEFAULT '[]',
    answer_body TEXT NOT NULL DEFAULT '',
    answer_size BIGINT NOT NULL DEFAULT 0,
    outcomes TEXT NOT NULL DEFAULT '[]',
    due_on TEXT,
    claimed_until TEXT,
    given_up_on TEXT
);

CREATE INDEX deliveries_due ON deliveries (due_on) WHERE due_on IS NOT NULL;

CREATE INDEX deliveries_pending ON deliveries (lane, id) WHERE state = 'pending';

CREATE INDEX deliveries_given_up ON deliveries (given_up_on) WHERE given_up_on IS NOT NULL;
