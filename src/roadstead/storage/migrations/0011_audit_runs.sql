-- What apps do again and again within an hour: what came after the entry of the first time is counted here.
CREATE TABLE audit_runs (
    installation_id BIGINT NOT NULL,
    action TEXT NOT NULL,
    about TEXT NOT NULL,
    began_on TEXT NOT NULL,
    last_on TEXT NOT NULL,
    repeats BIGINT NOT NULL,
    details TEXT NOT NULL,
    PRIMARY KEY (installation_id, action, about)
);
