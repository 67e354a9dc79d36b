-- Repeated changes by apps within an hour: those after the first one's entry are counted here.
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
