"""Linkers, their values, and what they make of texts."""
