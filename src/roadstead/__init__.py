"""A self-hosted home for Bitbucket Connect apps."""

__version__ = "0.1.0"
