"""Wire shapes that several groups share."""
