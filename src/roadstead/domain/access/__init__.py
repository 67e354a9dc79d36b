"""Who may ask, and how much: credentials, causes of refusals, shares of the host."""
