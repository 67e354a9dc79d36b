"""The group Projects: projects of workspaces, their permissions and default reviewers."""
