-- The host's facts about a caller's token when its call was refused, because the next installation changes them.
ALTER TABLE requests ADD COLUMN evidence TEXT;
