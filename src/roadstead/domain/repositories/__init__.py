"""Repositories: who may do what in them, and their lives from creation to deletion."""
