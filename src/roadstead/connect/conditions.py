"""
Conditions: whether a module is shown to a user in a context.

All conditions of a list must be met. Source: Atlassian's page "Conditions". It no longer says how to combine
conditions; `{"and": […]}` and `{"or": […]}` are the forms of Connect in Atlassian's other products.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal

from roadstead.connect.context import CONDITION_SCOPES

Verdict = Literal["met", "not met", "unknown"]
"""`unknown`: it depends on facts that the host does not have."""

_INVERTED: Mapping[Verdict, Verdict] = {"met": "not met", "not met": "met", "unknown": "unknown"}
_ROLES: Mapping[str, Mapping[str, Set[str]]] = {
    # A collaborator is a member who is not an administrator.
    "has_account_permission": {"admin": {"owner"}, "collaborator": {"collaborator", "member"}},
    "has_workspace_permission": {
        "admin": {"owner"},
        "owner": {"owner"},
        "collaborator": {"owner", "collaborator"},
        "member": {"owner", "collaborator", "member"},
    },
}
"""The roles in the workspace that meet a condition, by its name and its parameter."""
_IN_REPOSITORY = ("none", "read", "write", "admin")
"""Privileges in a repository: each includes those before it, and all but the first are parameters of `has_permission`.

An owner of the workspace has all of them in each of its repositories.
"""


@dataclass(frozen=True, slots=True)
class JudgedCondition:
    """A single condition as `text`, after inversion its verdict, and the reason in a sentence."""

    text: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a list of conditions, and on each single one of them in their order."""

    verdict: Verdict
    conditions: tuple[JudgedCondition, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What conditions are judged by.

    `granted` are the scopes of the app, implied ones included. `context` has the values of context parameters, by name.
    `role` is that of the viewer in the workspace of the app: owner, collaborator, member, or none. `privilege` is that
    of the viewer in the repository of the context, if the context names one.
    """

    granted: Set[str]
    context: Mapping[str, str]
    role: str | None
    privilege: str | None = None


def judge(conditions: Sequence[Mapping[str, object]], facts: Facts) -> Judgement:
    """
    Judge conditions of a descriptor.

    Never raises: a condition that cannot be understood is unknown.
    """
    single = tuple(one for condition in conditions for one in _single(condition, facts))
    return Judgement(_all([_verdict(condition, facts) for condition in conditions]), single)


def targets_of(conditions: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """Yield the context parameters that conditions compare."""
    for condition in conditions:
        target = condition.get("target")
        if isinstance(target, str):
            yield target
        for name in ("and", "or"):
            yield from targets_of(_inner(condition, name))


def _verdict(condition: Mapping[str, object], facts: Facts) -> Verdict:
    if "condition" in condition:
        return _judged(condition, facts).verdict
    all_of = [_verdict(inner, facts) for inner in _inner(condition, "and")]
    any_of = [_verdict(inner, facts) for inner in _inner(condition, "or")]
    if not all_of and not any_of:
        return "unknown"
    verdict = _all([*all_of, *([_any(any_of)] if any_of else [])])
    return _INVERTED[verdict] if condition.get("invert") is True else verdict


def _all(verdicts: Sequence[Verdict]) -> Verdict:
    return "not met" if "not met" in verdicts else "unknown" if "unknown" in verdicts else "met"


def _any(verdicts: Sequence[Verdict]) -> Verdict:
    return "met" if "met" in verdicts else "unknown" if "unknown" in verdicts else "not met"


def _single(condition: Mapping[str, object], facts: Facts) -> Iterator[JudgedCondition]:
    inner = [*_inner(condition, "and"), *_inner(condition, "or")]
    if "condition" in condition or not inner:
        yield _judged(condition, facts)
    else:
        for one in inner:
            yield from _single(one, facts)


def _inner(condition: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    found = condition.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _judged(condition: Mapping[str, object], facts: Facts) -> JudgedCondition:
    verdict, reason = _plain_verdict(condition, facts)
    inverted = condition.get("invert") is True
    return JudgedCondition(
        f"{'not ' if inverted else ''}{_text(condition)}", _INVERTED[verdict] if inverted else verdict, reason
    )


def _plain_verdict(condition: Mapping[str, object], facts: Facts) -> tuple[Verdict, str]:
    key = condition.get("condition")
    if not isinstance(key, str) or key not in CONDITION_SCOPES:
        return "unknown", "There is no such condition."
    scope = CONDITION_SCOPES[key]
    if scope is not None and scope not in facts.granted:
        return "not met", f"It needs the scope {scope}, which the app does not have."
    if key in ("equals", "contains"):
        return _comparison(key, condition, facts.context)
    permission = _parameter(condition, "permission")
    if key == "has_permission" and permission in _IN_REPOSITORY[1:]:
        return _of_repository(permission, facts)
    roles = _ROLES.get(key, {})
    if permission is not None and permission in roles:
        return ("met" if facts.role in roles[permission] else "not met"), _role_in_words(facts.role)
    return "unknown", "It is not evaluated here."


def _of_repository(permission: str, facts: Facts) -> tuple[Verdict, str]:
    if facts.privilege is not None:
        includes = _IN_REPOSITORY.index(facts.privilege) >= _IN_REPOSITORY.index(permission)
        return ("met" if includes else "not met"), f"The viewer's permission in the repository is {facts.privilege}."
    if facts.role == "owner":
        return "met", _role_in_words(facts.role)
    return "unknown", f"{_role_in_words(facts.role)} What the viewer may do depends on the repository."


def _role_in_words(role: str | None) -> str:
    return f"The viewer's role in the workspace is {role}." if role else "The viewer is not in the workspace."


def _comparison(key: str, condition: Mapping[str, object], context: Mapping[str, str]) -> tuple[Verdict, str]:
    target, value = condition.get("target"), _parameter(condition, "value")
    found = context.get(target) if isinstance(target, str) else None
    if found is None:
        return "unknown", "Its target has no value here."
    if value is None:
        return "unknown", "It has no value to compare with."
    met = value == found if key == "equals" else value in found
    return ("met" if met else "not met"), f"The value is {found!r}."


def _parameter(condition: Mapping[str, object], name: str) -> str | None:
    """Return a parameter as the text it has in a URL."""
    params = condition.get("params")
    value = params.get(name) if isinstance(params, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int, float)) else None


def _text(condition: Mapping[str, object]) -> str:
    """Return the condition in one line: its name, its target, and its parameters."""
    params = condition.get("params")
    names = params if isinstance(params, dict) else {}
    given = [f"{name}={_parameter(condition, name)}" for name in names if isinstance(name, str)]
    words = (condition.get("condition"), condition.get("target"), *given)
    return " ".join(word for word in words if isinstance(word, str)) or "a condition without a name"
