"""The group Webhooks: subscriptions of repositories and workspaces to events."""
