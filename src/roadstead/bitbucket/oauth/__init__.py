"""Tokens: an app exchanges its JWT for a Bearer token."""
