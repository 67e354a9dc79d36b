"""What people write, as HTML: Markdown, the linkers of the workspace's apps, mentions, and hashes of commits."""
