"""SSH keys of users, and deploy keys of repositories and projects."""
