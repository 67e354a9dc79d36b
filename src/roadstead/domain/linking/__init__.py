"""Linkers, their values, and texts linked with them."""
