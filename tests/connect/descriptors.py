"""Descriptors to begin with, and what is found in them."""

import json
from collections.abc import Mapping
from typing import Any

from roadstead.connect import (
    Finding,
    check_descriptor,
)

MINIMAL: dict[str, Any] = {
    "key": "acme-issue-links",
    "name": "Acme issue links",
    "baseUrl": "https://app.acme.example",
    "authentication": {"type": "jwt"},
}
TIDY: dict[str, Any] = MINIMAL | {
    "description": "Turns ticket numbers into links.",
    "vendor": {"name": "Acme", "url": "https://acme.example"},
    "lifecycle": {"installed": "/bb/installed", "uninstalled": "/bb/uninstalled"},
    "scopes": ["account", "repository", "pullrequest"],
    "contexts": ["account"],
    "links": {"support": "https://acme.example/support"},
}
LINKER = {"key": "tickets", "regex": r"((?K)-\d+)", "url": r"/t/\1", "type": "href"}
WEBHOOK = {"event": "*", "url": "/bb/webhook"}
PAGE = {"key": "page", "name": {"value": "Page"}, "url": "/page?repo={repository.uuid}"}
PANEL = PAGE | {"location": "org.bitbucket.repository.overview.informationPanel"}
ITEM = PAGE | {"location": "org.bitbucket.repository.navigation"}
ROUTE = {"destination": "/bb/land?pr={pullrequest.id}", "methods": {"POST": {"scopes": ["pullrequest:write"]}}}
ONE_OF_EACH: dict[str, Any] = {
    "linkers": [LINKER],
    "webhooks": [WEBHOOK],
    "webItems": [ITEM | {"key": "item"}],
    "webPanels": [PANEL | {"key": "panel", "conditions": [{"condition": "scm", "params": {"scm": "git"}}]}],
    "repoPages": [PAGE | {"key": "repo-page", "location": "org.bitbucket.repository.navigation"}],
    "generalPages": [PAGE | {"key": "general-page"}],
    "adminPages": [PAGE | {"key": "admin-page"}],
    "configurePage": PAGE | {"key": "configure-page"},
    "profileTabs": [PAGE | {"key": "profile-tab"}],
    "fileViews": [PAGE | {"key": "file-view"}],
    "oauthConsumer": {"clientId": "abc"},
    "proxy": {"/can-land/{repository}/{pullrequest}": ROUTE},
    "customEvents": {"acme:built": {"schema": {"type": "object"}}},
    "postInstallRedirect": {"key": "welcome", "url": "/welcome?user={target_user.username}"},
    "webCards": [{"anything": 1}],
}


def tidy(**changes: object) -> dict[str, object]:
    """Return a descriptor without findings, except for `changes`; a property changed to `...` is left out."""
    return {name: value for name, value in (TIDY | changes).items() if value is not ...}


def with_module(name: str, value: object) -> dict[str, object]:
    return tidy(modules={name: value})


def without(members: Mapping[str, object], name: str) -> dict[str, object]:
    return {other: value for other, value in members.items() if other != name}


def findings_in(descriptor: object) -> list[Finding]:
    return check_descriptor(json.dumps(descriptor, indent=1))


def severities(descriptor: object) -> list[str]:
    return [finding.severity for finding in findings_in(descriptor)]
