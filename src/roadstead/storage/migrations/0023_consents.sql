-- Whether a user consented to a grant. A consumer that acts for its owner needs no consent, and has a grant for each request.
ALTER TABLE oauth_grants ADD COLUMN by_consent INTEGER NOT NULL DEFAULT 1;
