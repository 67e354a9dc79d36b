"""The permission matrix: every caller, with every credential, at every operation about people, workspaces and projects.

The tables in `permissions.toml` are written by hand; the answers follow from them.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from roadstead.bitbucket.map import PROJECTS as OF_PROJECTS
from roadstead.bitbucket.map import REPOSITORIES as OF_REPOSITORIES
from roadstead.bitbucket.map import USERS, WORKSPACES
from roadstead.model import ROLES
from tests.api.permissions import (
    CALLERS,
    NAMES,
    OPERATIONS,
    PROJECTS,
    REPOSITORIES,
    Answer,
    Caller,
    World,
    documented,
    everyone,
    expected,
    holds,
    holds_in_repository,
    is_accepted,
    is_of_a_project,
    sees_workspace,
    shown_scopes,
    template_of,
    world,
)
from tests.conftest import NewDatabase

_NAME = re.compile(r"{\w+}")

_OTHERS = ("client", "exchanged", "access-token")
SAMPLE = [
    caller
    for caller in everyone()
    if caller[1] in ("token", "none", "jwt") or caller[0] == "admin" or caller[1].startswith(_OTHERS)
]
"""Each caller with one credential, and one with each kind."""
_OF_REPOSITORIES = ("token-account", "token-repository", "granular-repository")
BRIEF = [
    caller
    for caller in SAMPLE
    if caller[1] in ("token", "none", "jwt", "client", "exchanged", "access-token")
    or (caller[0] == "admin" and caller[1].startswith(_OF_REPOSITORIES))
]
"""Each caller with one credential, and one with those whose scopes matter for repositories."""


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("matrix"), everyone(), database_url=new_database()) as made:
        yield made


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("some"), SAMPLE, database_url=new_database()) as made:
        yield made


def test_a_sample_of_callers_may_do_what_the_tables_say(some: World) -> None:
    """Each caller with one credential, and one with each, at a sixth of the operations: status, and reason of a
    refusal; at those of repositories, with fewer credentials.
    """
    assert _differences(some, SAMPLE, BRIEF, part=6) == []


@pytest.mark.slow
def test_every_caller_may_do_what_the_tables_say(everybody: World) -> None:
    """Every caller, with every credential, at every operation, on a private and on a public project."""
    assert _differences(everybody, everyone()) == []


def _differences(
    made: World, callers: Sequence[Caller], at_repositories: Sequence[Caller] | None = None, *, part: int = 1
) -> list[str]:
    """Return what was not answered as the tables say, and what a refused request changed.

    One of `part` callers asks at each operation, another one at the next.
    """
    before, found = made.state(), []
    for project in PROJECTS:
        for number, operation in enumerate(OPERATIONS):
            # What is not about a project is asked once.
            if project == "private" or is_of_a_project(operation):
                asked = (
                    callers if at_repositories is None or "/repositories" not in operation["call"] else at_repositories
                )
                found += [
                    line for caller in asked[number % part :: part] for line in _try(made, caller, operation, project)
                ]
    assert made.state() == before, "a refused request changed something"
    return found


def _try(made: World, caller: Caller, operation: dict[str, Any], project: str) -> Iterator[str]:
    wanted = expected(caller, operation, project)
    method, _, text = operation["call"].partition(" ")
    sender, target = caller, made.target(text, caller, project)
    if "{project to delete}" in text and wanted[0] < 300:
        sender, key = made.throwaway(caller, project)
        target = target.replace(PROJECTS[project], key)
    if "{repo to delete}" in text and wanted[0] < 300:
        sender, slug = made.throwaway_repository(caller, project)
        target = target.replace(REPOSITORIES[project], slug)
    body = json.loads(json.dumps(operation.get("body")).replace("{project}", PROJECTS[project]))
    answer = made.send(sender, method, target, body)
    place = f"{' '.join(caller)}: {method} {text} on the {project} project"
    if (answer.status, answer.message[: len(wanted[1])]) != wanted:
        yield f"{place}: {wanted} expected, {answer.status} {answer.message!r} answered"
    if wanted[1].startswith("Your credentials lack") and answer.json["error"].get("detail") != shown_scopes(
        caller, operation
    ):
        yield f"{place}: {answer.json['error']}"
    yield from (f"{place} shows {what}" for what in _shown(made, caller, answer, operation))
    if answer.status < 300 and "undo" in operation:
        undo, _, text = operation["undo"].partition(" ")
        made.owner(undo, made.target(text, caller, project), operation.get("undo_body"))


def _shown(made: World, caller: Caller, answer: Answer, operation: dict[str, Any]) -> Iterator[str]:
    """Return what an answer shows to a caller who may not see it."""
    text = answer.body.decode()
    others = text.replace(f"{caller[0]}@acme.example", "") if is_accepted(caller) else text
    if answer.status < 300 and "@acme.example" in others:
        yield "an e-mail address"
    # An app's account is the workspace, which its token for one repository has, too.
    may_see = sees_workspace(caller) or caller == ("app", "exchanged-for-repository")
    # A public repository names its workspace.
    if not (is_accepted(caller) and may_see) and "/2.0/repositories" not in operation["call"] and "Hidden Acme" in text:
        yield "the workspace"
    is_hidden = holds(caller, "private") == holds_in_repository(caller, "private") == "none"
    if (not is_accepted(caller) or is_hidden) and NAMES["private"] in text:
        yield "the private project"


def test_lists_neither_contain_nor_count_what_is_invisible(some: World) -> None:
    """`values`, `size` and `next` of the list of projects, whole and in pages of one, for each caller who may ask."""
    asked = 0
    for caller in SAMPLE:
        operation = next(one for one in OPERATIONS if one["call"] == "GET /2.0/workspaces/acme/projects")
        if expected(caller, operation, "private")[0] != 200:
            continue
        asked += 1
        seen = [key for project, key in PROJECTS.items() if holds(caller, project) != "none"]
        whole = some.send(caller, "GET", "/2.0/workspaces/acme/projects").json
        assert ([one["key"] for one in whole["values"]], whole["size"], "next" in whole) == (seen, len(seen), False)
        target: str | None = "/2.0/workspaces/acme/projects?pagelen=1"
        walked = []
        while target is not None:
            page = some.send(caller, "GET", target).json
            assert page["size"] == len(seen)
            walked += [one["key"] for one in page["values"]]
            target = page["next"].removeprefix(some.host.url) if "next" in page else None
        assert walked == seen
        for query, keys in (("q=name~%22hidden%22", ["HIDDEN"]), ("sort=-is_private&pagelen=1", seen[:1])):
            found = some.send(caller, "GET", f"/2.0/workspaces/acme/projects?{query}").json
            assert [one["key"] for one in found["values"]] == [key for key in keys if key in seen]
    assert asked > len(CALLERS)


def test_own_workspaces_are_those_of_the_caller(some: World) -> None:
    """`/user/workspaces` has the caller's memberships alone, and says which of them the caller administers."""
    for who, row in CALLERS.items():
        if (who, "token") not in SAMPLE or not is_accepted((who, "token")):
            continue
        found = some.send((who, "token"), "GET", "/2.0/user/workspaces").json
        wanted = {"stranger": [("elsewhere", True)]}.get(who, [])
        if row.get("is_member", True) and "workspace" in row:
            wanted = [("acme", row["workspace"] == "owner")]
        given = [(one["workspace"]["slug"], one["administrator"]) for one in found["values"]]
        assert (given, found["size"]) == (wanted, len(wanted)), who


def test_a_role_in_answers_is_that_of_the_table(some: World) -> None:
    """`/user/workspaces/{workspace}/permission` says the caller's role."""
    for who, row in CALLERS.items():
        if row.get("workspace", "app") in ROLES:
            answer = some.send((who, "token"), "GET", "/2.0/user/workspaces/acme/permission")
            assert answer.json["permission"] == row["workspace"], who


@pytest.mark.slow
def test_an_earlier_era_has_the_lists_that_are_gone(tmp_path: Path) -> None:
    """There the removed operations are lists, for the same callers and scopes."""
    removed = [{**one, "gives": 200} for one in OPERATIONS if one.get("gives") == 410]
    with world(tmp_path, everyone(), era="before-2026-04") as made:
        found = [line for one in removed for caller in everyone() for line in _try(made, caller, one, "private")]
    assert (len(removed), found) == (4, [])


def test_every_operation_is_in_the_table() -> None:
    """No operation about people, workspaces or projects is added without a row written by hand."""
    rows = {_NAME.sub("{}", template_of(one["call"])) for one in OPERATIONS}
    served = [one for group in (USERS, WORKSPACES, OF_PROJECTS, OF_REPOSITORIES) for one in group.operations]
    assert {f"{one.method} {_NAME.sub('{}', one.template.path)}" for one in served} <= rows


def test_the_reference_has_the_table() -> None:
    """What readers are told is what the matrix proves."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "api.md").read_text("utf-8")
    assert [row for row in documented() if f"\n{row}\n" not in page] == []
