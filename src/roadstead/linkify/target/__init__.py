"""The target of a link."""
