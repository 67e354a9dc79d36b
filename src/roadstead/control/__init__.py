"""Roadstead's own endpoints under `/-/`, by subject."""
