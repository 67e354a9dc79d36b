"""The group Properties: what apps keep beside repositories, commits and users."""
