"""The group Addon: an installed app updates or deletes itself."""
