-- An index for each order of lists of branches and tags: a page is read without sorting all of them. Tags of no commit come last.
DROP INDEX refs_by_time;

CREATE INDEX refs_by_time ON refs (repository_id, kind, (committed_on IS NULL), committed_on, name);

CREATE INDEX refs_by_time_latest_first ON refs (repository_id, kind, (committed_on IS NULL), committed_on DESC, name);

CREATE INDEX refs_by_natural_name_last_first ON refs (repository_id, kind, natural_name DESC, name);
