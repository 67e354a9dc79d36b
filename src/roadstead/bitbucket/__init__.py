"""Bitbucket's API, one folder for each group of its reference."""
