"""The groups of Roadstead's own endpoints: where each begins, and the module that declares its operations."""

from roadstead.api.operation import Group

LINKIFY = Group("linkify", below="/-", module="roadstead.control.linkify")
AUDIT = Group("audit", below="/-/audit", module="roadstead.control.audit")
DEBUG_JWT = Group("debug_jwt", below="/-/debug-jwt", module="roadstead.control.debug_jwt")
REQUESTS = Group("requests", below="/-/requests", module="roadstead.control.requests")
DELIVERIES = Group("deliveries", below="/-/deliveries", module="roadstead.control.deliveries")
HEALTH = Group("health", below="/-/health", module="roadstead.control.health")
METRICS = Group("metrics", below="/-/metrics", module="roadstead.control.metrics")
OPENAPI = Group("openapi", below="/-/openapi.json", module="roadstead.control.openapi")
DOWNLOADS = Group("downloads_content", below="/-/downloads", module="roadstead.control.downloads")

GROUPS = [LINKIFY, AUDIT, DEBUG_JWT, REQUESTS, DELIVERIES, HEALTH, METRICS, OPENAPI, DOWNLOADS]
