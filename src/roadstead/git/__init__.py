"""Git: the only room that runs git."""
