"""Outgoing calls: the only room with an HTTP client. Every call goes through `calls`."""
