"""
Context parameters in URLs (`{repository.uuid}`), and the conditions of a page.

Both need scopes. When the app did not ask for a scope, Bitbucket leaves its parameters unreplaced (since 2021-05-17)
and its conditions are false. Source: Atlassian's pages "Context parameters" and "Conditions".

Until 2018 parameters had short names, as in `{repo_path}`. Descriptors of that time are still in use.
"""

import re
from collections.abc import Mapping, Set
from types import MappingProxyType
from urllib.parse import quote

from roadstead.connect.findings import shown
from roadstead.connect.members import Members

PARAMETER_SCOPES: Mapping[str, str] = MappingProxyType(
    {
        "user": "account",
        "target_user": "account",
        "workspace": "account",
        "principal": "account",
        "repository": "repository",
        "branch": "repository",
        "commit": "repository",
        "file": "repository",
        "directory": "repository",
        "pullrequest": "pullrequest",
        "snippet": "snippet",
        "issue": "issue",
    }
)
"""The objects whose members a URL may contain, and the scope each needs."""

CONDITION_SCOPES: Mapping[str, str | None] = MappingProxyType(
    {
        "equals": None,
        "contains": None,
        "has_permission": "repository",
        "has_account_permission": "account",
        "has_workspace_permission": "account",
        "has_issue_permission": "repository",
        "meets_access_requirements": "account",
        "property_exists": "repository",
        "has_file": "repository",
        "scm": "repository",
        "user_has_premium": "account",
        "has_addon": "account",
        "flag_is_active": "account",
        "has_feature": "account",
    }
)
"""The known conditions, and the scope each needs."""

_PARAMETER = re.compile(r"\{(\w++)[^{}]*+\}")
_SHORT = re.compile(r"(repo|target_user|user|principal|file|branch|commit|pullrequest|issue|snippet)_(\w+)")
_IRREGULAR = {"repo_path": "repository.full_name", "file_cset": "file.commit.hash"}


def filled(url: str) -> str:
    """Return `url` with a harmless text in place of each parameter, to be judged as a URL."""
    return _PARAMETER.sub("x", url)


def long_name(parameter: str) -> str:
    """Return a parameter's name since 2018: `repository.uuid` for `repo_uuid`; other names unchanged."""
    if parameter in _IRREGULAR:
        return _IRREGULAR[parameter]
    short = _SHORT.fullmatch(parameter)
    return f"{'repository' if short[1] == 'repo' else short[1]}.{short[2]}" if short else parameter


def parameters_of(url: str) -> tuple[str, ...]:
    """Return the parameters of `url`, as written between their braces, each once."""
    return tuple(dict.fromkeys(parameter[0][1:-1] for parameter in _PARAMETER.finditer(url)))


def fill_in(url: str, values: Mapping[str, str]) -> str:
    """
    Return `url` with the values of its parameters, percent-encoded; those without a value stay unreplaced.

    `values` are by long name.
    """

    def value(parameter: re.Match[str]) -> str:
        found = values.get(long_name(parameter[0][1:-1]))
        return parameter[0] if found is None else quote(found, safe="")

    return _PARAMETER.sub(value, url)


def may_be_filled(parameter: str, granted: Set[str]) -> bool:
    """Return whether an app with the scopes `granted`, and those they imply, gets the value of that parameter."""
    return PARAMETER_SCOPES.get(_root(parameter), "") in granted


def _root(parameter: str) -> str:
    return re.split(r"\W", long_name(parameter), maxsplit=1)[0]


def check_parameters(owner: Members, name: str, url: str, granted: Set[str]) -> None:
    """Report the parameters of the URL `owner.name` that will reach the app unreplaced."""
    for parameter in _PARAMETER.finditer(url):
        name_since_2018 = long_name(parameter[0][1:-1])
        scope = PARAMETER_SCOPES.get(_root(name_since_2018))
        message = f"{shown(parameter[0])} is not replaced"
        if scope is None:
            fix = f"Begin it with one of: {', '.join(PARAMETER_SCOPES)}."
            owner.report.warning(owner.path_of(name), f"{message}: there is no such parameter.", fix)
        elif scope not in granted:
            owner.report.warning(
                owner.path_of(name), f"{message}: it needs the scope {scope}.", f'Add "{scope}" to scopes.'
            )
        elif name_since_2018 != parameter[0][1:-1]:
            message = f"{shown(parameter[0])} is a name from before 2018."
            fix = f"It is still replaced here; write {{{name_since_2018}}}."
            owner.report.note(owner.path_of(name), message, fix)


def read_conditions(owner: Members, granted: Set[str]) -> tuple[Mapping[str, object], ...]:
    """Return the conditions as written, because Atlassian no longer documents how to combine them."""
    conditions = owner.objects("conditions")
    for condition in conditions:
        if "condition" in condition:
            _check_condition(condition, granted)
    return tuple(condition.members for condition in conditions)


def _check_condition(condition: Members, granted: Set[str]) -> None:
    key = condition.text("condition")
    path = condition.path_of("condition")
    scope = CONDITION_SCOPES.get(key)
    if key and key not in CONDITION_SCOPES:
        condition.report.warning(
            path, f"There is no condition {shown(key)}.", f"Use one of: {', '.join(CONDITION_SCOPES)}."
        )
    elif scope is not None and scope not in granted:
        condition.report.warning(
            path, f"The condition counts as false: it needs the scope {scope}.", f'Add "{scope}" to scopes.'
        )
