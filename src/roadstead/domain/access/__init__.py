"""Authentication and limits of callers: credentials, causes of refusals, shares of the host."""
