"""Upkeep of the state: export and import, copying between databases, keys, the audit log."""
