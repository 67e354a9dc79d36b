"""The pages of a repository: its files, commits and branches, for everybody who may read it.

Git is imported with them, when somebody opens the first one.
"""
