"""People: users, and what belongs to their accounts."""
