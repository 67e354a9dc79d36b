"""How a pattern is matched, decided once, before any text is read."""
