"""Conditions of modules: met, not met, or unknown here."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.connect.conditions import Facts, Verdict, judge, targets_of

CONTEXT = {"repository.uuid": "{r}", "workspace.slug": "acme"}
IS_R = {"condition": "equals", "target": "repository.uuid", "params": {"value": "{r}"}}
IS_X = {"condition": "equals", "target": "repository.uuid", "params": {"value": "x"}}
UNKNOWN = {"condition": "has_file", "params": {"path": "x"}}

CASES: list[tuple[str, list[dict[str, Any]], Verdict]] = [
    ("no condition", [], "met"),
    ("equal", [IS_R], "met"),
    ("not equal", [IS_X], "not met"),
    ("inverted", [{**IS_X, "invert": True}], "met"),
    ("not inverted", [{**IS_X, "invert": False}], "not met"),
    ("no value for the target", [{**IS_R, "target": "branch.name"}], "unknown"),
    ("nothing to compare with", [{**IS_R, "params": {}}], "unknown"),
    ("no target", [{"condition": "equals", "params": {"value": "x"}}], "unknown"),
    ("contained", [{"condition": "contains", "target": "workspace.slug", "params": {"value": "cm"}}], "met"),
    ("not contained", [{"condition": "contains", "target": "workspace.slug", "params": {"value": "CM"}}], "not met"),
    ("may write", [{"condition": "has_permission", "params": {"permission": "write"}}], "met"),
    ("some other permission", [{"condition": "has_permission", "params": {"permission": "fly"}}], "unknown"),
    ("administrator", [{"condition": "has_account_permission", "params": {"permission": "admin"}}], "not met"),
    ("not evaluated", [UNKNOWN], "unknown"),
    ("not evaluated, inverted", [{**UNKNOWN, "invert": True}], "unknown"),
    ("no such condition", [{"condition": "is_tuesday"}], "unknown"),
    ("no condition at all", [{}], "unknown"),
    ("all must be met", [IS_R, IS_X], "not met"),
    ("one is unknown", [IS_R, UNKNOWN], "unknown"),
    ("one is not met, whatever the other", [UNKNOWN, IS_X], "not met"),
    ("any of them", [{"or": [IS_X, IS_R]}], "met"),
    ("none of them", [{"or": [IS_X, IS_X]}], "not met"),
    ("any, and one unknown", [{"or": [UNKNOWN, IS_X]}], "unknown"),
    ("all of them", [{"and": [IS_R, IS_R]}], "met"),
    ("not all of them", [{"and": [IS_R, IS_X], "invert": True}], "met"),
    ("one in the other", [{"or": [IS_X, {"and": [IS_R, {**IS_X, "invert": True}]}]}], "met"),
]


@pytest.mark.sample(10)
@pytest.mark.parametrize(("name", "written", "verdict"), CASES, ids=[case[0] for case in CASES])
def test_conditions_are_judged(name: str, written: list[dict[str, Any]], verdict: Verdict) -> None:
    """Each condition is judged for an owner of the workspace, in an app with only the scope `repository`."""
    assert judge(written, Facts({"repository"}, CONTEXT, "owner")).verdict == verdict


def test_each_condition_has_its_reason() -> None:
    """Each condition has a line, nested ones too, as written."""
    written: list[dict[str, Any]] = [
        {"condition": "has_account_permission", "params": {"permission": "admin"}},
        {"or": [{**IS_X, "invert": True}, UNKNOWN]},
        {"condition": "equals", "target": "workspace.slug", "params": {"value": True}},
    ]
    judged = judge(written, Facts({"repository"}, CONTEXT, "owner")).conditions
    assert [(one.text, one.verdict, one.reason) for one in judged] == [
        (
            "has_account_permission permission=admin",
            "not met",
            "It needs the scope account, which the app does not have.",
        ),
        ("not equals repository.uuid value=x", "met", "The value is '{r}'."),
        ("has_file path=x", "unknown", "It is not evaluated here."),
        ("equals workspace.slug value=true", "not met", "The value is 'acme'."),
    ]


def test_an_administrator_is_no_mere_collaborator() -> None:
    """The documentation means a member who is not an administrator."""
    written = [{"condition": "has_account_permission", "params": {"permission": "collaborator"}}]
    assert judge(written, Facts({"account"}, {}, "owner")).verdict == "not met"


def test_targets_are_found_inside_others() -> None:
    """The context parameters in nested conditions are found, so that the operator can give their values."""
    assert list(targets_of([IS_R, {"and": [{"or": [{**IS_R, "target": "branch.name"}]}]}, {}])) == [
        "repository.uuid",
        "branch.name",
    ]


_NAMES = st.sampled_from(["condition", "target", "params", "invert", "and", "or", "value", "permission"])
_plain = st.none() | st.booleans() | st.integers() | st.sampled_from(["equals", "contains", "write", "repository.uuid"])
_inner = st.dictionaries(_NAMES, _plain, max_size=4)
_condition = st.dictionaries(_NAMES, _plain | _inner | st.lists(_inner, max_size=2), max_size=5)


@given(st.lists(_condition, max_size=3))
def test_anything_can_be_judged(written: list[dict[str, Any]]) -> None:
    """Any content of `conditions` is judged, and every condition gets a line."""
    judged = judge(written, Facts({"repository"}, CONTEXT, "owner"))
    assert judged.verdict in ("met", "not met", "unknown")
    assert all(one.text and one.reason for one in judged.conditions)
    assert all(isinstance(target, str) for target in targets_of(written))
