"""The group Commit statuses: what builds and checks say about commits."""
