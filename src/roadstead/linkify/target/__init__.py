"""Where a link leads."""
