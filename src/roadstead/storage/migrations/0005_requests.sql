-- The last calls in both directions, without their secrets. The oldest make room for new ones.
CREATE TABLE requests (
    id {identity},
    time TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    app TEXT,
    method TEXT NOT NULL,
    url TEXT NOT NULL,
    status INTEGER,
    error TEXT,
    duration_ms DOUBLE PRECISION NOT NULL,
    request_headers TEXT NOT NULL,
    request_body TEXT NOT NULL,
    request_size BIGINT NOT NULL,
    answer_headers TEXT NOT NULL,
    answer_body TEXT NOT NULL,
    answer_size BIGINT NOT NULL,
    credential TEXT
);

-- The previous secret of an app, to recognise an app that still signs with it.
CREATE TABLE retired_secrets (
    installation_id BIGINT PRIMARY KEY REFERENCES installations (id) ON DELETE CASCADE,
    secret {bytes} NOT NULL
);
