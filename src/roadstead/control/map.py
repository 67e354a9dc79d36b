"""The groups of Roadstead's own endpoints."""

from roadstead.control import audit, debug_jwt, health, linkify, metrics, openapi, requests

GROUPS = [
    linkify.OPERATIONS,
    audit.OPERATIONS,
    debug_jwt.OPERATIONS,
    requests.OPERATIONS,
    health.OPERATIONS,
    metrics.OPERATIONS,
    openapi.OPERATIONS,
]
