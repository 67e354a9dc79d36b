"""The group Workspaces: the accounts that apps are installed on."""
