-- Entries may be deleted up to the one that a cut has named in the facts, and no others.
DROP TRIGGER audit_log_never_deleted;

CREATE TRIGGER audit_log_never_deleted BEFORE DELETE ON audit_log FOR EACH ROW
WHEN OLD.id > COALESCE((SELECT CAST(value AS INTEGER) FROM facts WHERE name = 'audit_log_cut_up_to'), 0)
{refuse_change};
