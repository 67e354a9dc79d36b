-- The newest event that had not been dispatched when a hook or an app was added: it is told of later ones only.
ALTER TABLE hooks ADD COLUMN hears_after BIGINT NOT NULL DEFAULT 0;
ALTER TABLE installations ADD COLUMN hears_after BIGINT NOT NULL DEFAULT 0;
