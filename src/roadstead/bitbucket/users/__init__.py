"""The group Users: the account of a credential."""
