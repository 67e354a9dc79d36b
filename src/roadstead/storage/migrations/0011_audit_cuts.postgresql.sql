-- Entries may be deleted up to the one that a cut has named in the facts, and no others.
CREATE OR REPLACE FUNCTION refuse_uncut() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF OLD.id > COALESCE((SELECT CAST(value AS BIGINT) FROM facts WHERE name = 'audit_log_cut_up_to'), 0) THEN
        RAISE EXCEPTION 'the audit log is append-only'; END IF; RETURN OLD; END $$;

DROP TRIGGER audit_log_never_deleted ON audit_log;

CREATE TRIGGER audit_log_never_deleted BEFORE DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_uncut();
