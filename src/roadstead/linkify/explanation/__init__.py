"""Why a stretch of a text became a link, or did not: for people, beside the links themselves."""
