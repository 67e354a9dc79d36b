"""All links of a text: the matches of many linkers, and which of them win."""
