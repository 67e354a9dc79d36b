-- Beside callers and linkers, processes cache what people may do, and what is read from repositories. Each has a version of
-- its own, which a transaction that changes such rows counts up (`storage/remembered.py`).
ALTER TABLE remembered ADD COLUMN people BIGINT NOT NULL DEFAULT 0;
ALTER TABLE remembered ADD COLUMN repositories BIGINT NOT NULL DEFAULT 0;

-- How often a repository was pushed to: it tells apart two states of its branches and tags whose times are the same.
ALTER TABLE repositories ADD COLUMN pushes BIGINT NOT NULL DEFAULT 0;
