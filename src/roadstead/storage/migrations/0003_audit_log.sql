-- Who did what. Rows are only ever added: {refuse_change} is what the dialect writes after a trigger's head to say no.

CREATE TABLE audit_log (
    id {identity},
    time TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    details TEXT NOT NULL
);

CREATE TRIGGER audit_log_never_updated BEFORE UPDATE ON audit_log FOR EACH ROW {refuse_change};

CREATE TRIGGER audit_log_never_deleted BEFORE DELETE ON audit_log FOR EACH ROW {refuse_change};
