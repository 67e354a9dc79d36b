"""
The scopes an app may ask for, and the scopes that each implies.

Source: the security schemes of Bitbucket's OpenAPI document (August 2026) and Atlassian's page on its scopes.
"""

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from roadstead.connect.findings import shown

DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "email": "Read your e-mail addresses",
        "account": "Read your account and the workspaces you belong to",
        "account:write": "Change your account",
        "team": "Read the workspaces you belong to and their members",
        "team:write": "Change the workspaces you belong to",
        "project": "Read projects and their repositories",
        "project:admin": "Create, change and delete projects",
        "repository": "Read repositories",
        "repository:write": "Push to repositories",
        "repository:admin": "Change the settings of repositories",
        "repository:delete": "Delete repositories",
        "pullrequest": "Read pull requests and the repositories they are in",
        "pullrequest:write": "Create, comment on, merge and decline pull requests, and push to repositories",
        "issue": "Read issues",
        "issue:write": "Create and change issues",
        "wiki": "Read and change wikis",
        "webhook": "Receive webhooks, and read all webhooks",
        "snippet": "Read snippets",
        "snippet:write": "Create, change and delete snippets",
        "pipeline": "Read pipelines and their logs",
        "pipeline:write": "Start and stop pipelines",
        "pipeline:variable": "Read and change the variables of pipelines",
        "runner": "Read runners",
        "runner:write": "Create, change and delete runners",
        "test": "Read test reports",
        "test:write": "Create and change test reports",
    }
)
"""The permission of each scope, in the words of a consent page."""

SCOPES: frozenset[str] = frozenset(DESCRIPTIONS)

GRANULAR: frozenset[str] = frozenset(
    f"{act}:{subject}:bitbucket"
    for act, subjects in {
        "read": "gpg-key issue pipeline project pullrequest repository runner snippet ssh-key user webhook workspace",
        "write": "gpg-key issue permission pipeline pullrequest repository runner snippet ssh-key user webhook",
        "admin": "pipeline project repository workspace",
        "delete": "gpg-key issue permission repository snippet ssh-key webhook",
    }.items()
    for subject in subjects.split()
)
"""The scopes that Atlassian's API tokens have: none implies another, and an operation may need several."""

RENAMED: Mapping[str, str] = MappingProxyType({"project:write": "project:admin"})
"""Deprecated names that still parse, and the present name of each."""

# The admin and delete scopes are absent because they imply nothing, not even reading.
_IMPLIES = {
    "project": "repository",
    "repository:write": "repository",
    "pullrequest": "repository",
    "issue:write": "issue",
    "snippet:write": "snippet",
    # Stated nowhere, but it would be a surprise if a scope to write did not imply reading.
    "account:write": "account",
    "team:write": "team",
    "pipeline:write": "pipeline",
    "runner:write": "runner",
    "test:write": "test",
}
_IMPLIED_BY_ONE = {scope: {scope, _IMPLIES[scope]} if scope in _IMPLIES else {scope} for scope in SCOPES} | {
    "pullrequest:write": {"pullrequest:write", "pullrequest", "repository:write", "repository"}
}


class UnknownScope(ValueError):
    """There is no scope called `scope`; `suggestion` is the most similar one, if any is similar."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"There is no scope {shown(scope)}.")
        self.scope = scope
        self.suggestion = next(iter(difflib.get_close_matches(scope, SCOPES, n=1)), None)


def canonical_scope(name: str) -> str:
    """Return the scope called `name`, by its present name if it was renamed, or raise `UnknownScope`."""
    scope = RENAMED.get(name, name)
    if scope not in SCOPES:
        raise UnknownScope(name)
    return scope


def parse_scopes(text: str) -> frozenset[str]:
    """Return the scopes named in `text`, separated by white space as in OAuth; raise `UnknownScope`."""
    return frozenset(map(canonical_scope, text.split()))


def implied_by(scopes: Iterable[str]) -> frozenset[str]:
    """
    Return every scope that `scopes` grant: themselves under their present names, and those they imply.

    Raise `UnknownScope`.
    """
    return frozenset().union(*(_IMPLIED_BY_ONE[canonical_scope(scope)] for scope in scopes))


def parse_token_scopes(text: str) -> frozenset[str]:
    """Return the scopes named in `text`, which may be granular ones, too; raise `UnknownScope`."""
    return frozenset(name if name in GRANULAR else canonical_scope(name) for name in text.split())


def satisfy(granted: Iterable[str], scope: str | None, granular: Iterable[str]) -> bool:
    """Return whether scopes grant what needs either a scope, or several in one text, or, all together, granular ones.

    `None` instead of a scope means that any one that is not granular will do.
    """
    held = frozenset(granted)
    classic = implied_by(held - GRANULAR)
    has_classic = bool(classic) if scope is None else scope in classic or classic.issuperset(scope.split())
    return has_classic or (bool(granular) and held.issuperset(granular))
