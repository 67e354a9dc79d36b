"""How a pattern is matched, decided once, before there is any text."""
