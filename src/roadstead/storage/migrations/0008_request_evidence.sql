-- What was known of a caller's token when its call was refused, for the next installation changes that.
ALTER TABLE requests ADD COLUMN evidence TEXT;
