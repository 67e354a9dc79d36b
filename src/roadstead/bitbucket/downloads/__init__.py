"""The group Downloads: files that people upload to a repository for others to download."""
