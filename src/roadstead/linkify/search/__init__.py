"""All matches of one pattern in one text."""
