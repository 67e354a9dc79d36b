"""Calls out: the only room with an HTTP client, and everything it sends goes through `outbound`."""
