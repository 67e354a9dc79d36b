"""The group Repositories: repositories, their forks and watchers, and who may do what in them."""
