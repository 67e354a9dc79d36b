"""Git: the only room that runs it."""
