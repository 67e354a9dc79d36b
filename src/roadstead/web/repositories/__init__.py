"""The pages of a repository: its files, commits and branches, for everyone who may read it.

They import git, so each module is imported when its first page is opened.
"""
