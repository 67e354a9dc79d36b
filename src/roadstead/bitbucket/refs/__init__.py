"""Branches and tags: listed, created and deleted."""
