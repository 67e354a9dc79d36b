"""The stored values of linkers, and which of them occur in a text."""
