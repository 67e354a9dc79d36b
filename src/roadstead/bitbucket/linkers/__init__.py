"""The linkers of an installed app, and their values."""
