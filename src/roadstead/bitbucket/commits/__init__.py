"""Commits: read, compare, comment and approve them."""
