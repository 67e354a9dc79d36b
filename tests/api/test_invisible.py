"""What a caller may not see is answered like what does not exist: status, headers and body.

The operations are those of the map, so a new one below a workspace is tested without another word. `bench/invisible.py`
compares the times.
"""

from collections.abc import Iterator, Sequence

import pytest

from roadstead.api.operation import Operation
from roadstead.routes import MAP
from tests.api.permissions import CALLERS, Answer, Caller, World, everyone, is_accepted, sees_workspace, world
from tests.conftest import NewDatabase
from tests.contract import sample_body

BELOW_A_WORKSPACE = [one for one in MAP.operations if "workspace" in one.template.names]
BELOW_A_REPOSITORY = [one for one in MAP.operations if "repo_slug" in one.template.names]
BELOW_A_PROJECT = [one for one in MAP.operations if "project_key" in one.template.names]

STRANGERS = [caller for caller in everyone() if is_accepted(caller) and not sees_workspace(caller)]
"""Everyone whose credential works, and who does not see the workspace."""
MEMBERS = [caller for caller in everyone() if "private" not in CALLERS[caller[0]] and sees_workspace(caller)]
"""Everyone who sees the workspace, and not its private project."""
PROJECT_TOKENS = [caller for caller in everyone() if caller[0] == "project-token" and is_accepted(caller)]
"""They see no project but their own, the private one."""
REPOSITORY_TOKENS = [caller for caller in MEMBERS if caller[0] == "repository-token"]
"""They see no repository but the private one."""
_SAMPLE = ("token", "oauth", "client", "jwt", "exchanged", "access-token")
SAMPLE = [(who, how) for who, how in STRANGERS + MEMBERS + PROJECT_TOKENS if how in _SAMPLE]

# The two of a pair have the same length, so that the length of an answer says nothing either.
WORKSPACES = ("acme", "nope")
PROJECTS = ("HIDDEN", "ABSENT")
OTHERS = ("OPEN", "NONE")
REPOSITORIES = ("hidden", "absent")
MISSING_UUID = "{00000000-6a0d-4c0e-9a59-2b3f6d0d1111}"
DIFFERING = {"date", "x-request-id"}


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[World]:
    with world(
        tmp_path_factory.mktemp("acme"),
        [*STRANGERS, *MEMBERS, *PROJECT_TOKENS],
        with_public=False,
        database_url=new_database(),
    ) as made:
        yield made


def test_an_invisible_workspace_is_like_a_missing_one(acme: World) -> None:
    """For a caller of each kind at each operation below a workspace, by name, and for one of them by UUID."""
    callers = [caller for caller in SAMPLE if caller in STRANGERS]
    assert (_told_apart(acme, callers, BELOW_A_WORKSPACE, "workspace", [WORKSPACES]), len(callers) > 5) == ([], True)
    by_uuid = (acme.workspace_uuid, MISSING_UUID)
    assert _told_apart(acme, callers[:1], BELOW_A_WORKSPACE, "workspace", [by_uuid]) == []


def test_an_invisible_project_is_like_a_missing_one(acme: World) -> None:
    """For a caller of each kind at each operation below a project."""
    callers = [caller for caller in SAMPLE if caller in MEMBERS]
    assert (_told_apart(acme, callers, BELOW_A_PROJECT, "project_key", [PROJECTS]), len(callers) > 3) == ([], True)
    tokens = [caller for caller in SAMPLE if caller in PROJECT_TOKENS]
    assert (_told_apart(acme, tokens, BELOW_A_PROJECT, "project_key", [OTHERS]), len(tokens)) == ([], 1)


def test_an_invisible_repository_is_like_a_missing_one(acme: World) -> None:
    """For a caller of each kind at each operation below a repository."""
    callers = [caller for caller in SAMPLE if caller in MEMBERS and caller not in REPOSITORY_TOKENS]
    assert _told_apart(acme, callers, BELOW_A_REPOSITORY, "repo_slug", [REPOSITORIES]) == []
    tokens = [caller for caller in SAMPLE if caller in REPOSITORY_TOKENS]
    assert (_told_apart(acme, tokens, BELOW_A_REPOSITORY, "repo_slug", [("open", "none")]), len(tokens)) == ([], 1)


@pytest.mark.slow
def test_no_credential_tells_them_apart(acme: World) -> None:
    """Everyone who does not see them, with every credential."""
    pairs = [WORKSPACES, (acme.workspace_uuid, MISSING_UUID)]
    assert _told_apart(acme, STRANGERS, BELOW_A_WORKSPACE, "workspace", pairs) == []
    assert _told_apart(acme, MEMBERS, BELOW_A_PROJECT, "project_key", [PROJECTS]) == []
    assert _told_apart(acme, PROJECT_TOKENS, BELOW_A_PROJECT, "project_key", [OTHERS]) == []
    strangers = [caller for caller in MEMBERS if caller not in REPOSITORY_TOKENS]
    assert _told_apart(acme, strangers, BELOW_A_REPOSITORY, "repo_slug", [REPOSITORIES]) == []


def _told_apart(
    made: World,
    callers: Sequence[Caller],
    operations: Sequence[Operation],
    hidden: str,
    pairs: Sequence[tuple[str, str]],
) -> list[str]:
    """Return the requests whose answers differ, for an example of the operation's body and for one that is wrong."""
    found = []
    for operation in operations:
        bodies = [_body(operation), {"name": 1, "permission": 1}]
        for caller in callers:
            for pair in pairs:
                for body in bodies if operation.takes else [None]:
                    answers = [_ask(made, caller, operation, {hidden: name}, body) for name in pair]
                    if answers[0] != answers[1]:
                        found.append(f"{' '.join(caller)}: {operation.name}: {answers}")
    return found


def _body(operation: Operation) -> object:
    """Return an example of the JSON that an operation takes, if it must have one."""
    sample = sample_body(operation.method, operation.template.path)
    return sample.get("json", sample.get("data"))


def _ask(
    made: World, caller: Caller, operation: Operation, hidden: dict[str, str], body: object
) -> tuple[int, dict[str, str], str]:
    """Return the status, the headers and the body of an answer, without the name that the caller gave."""
    there = {
        "workspace": "acme",
        "project_key": PROJECTS[0],
        "repo_slug": REPOSITORIES[0],
        "group_slug": "bystanders",
        **dict.fromkeys(("member", "selected_user", "selected_user_id"), made.accounts["bystander"].uuid),
        **hidden,
    }
    target = operation.template.url("", *(there.get(name, "x") for name in operation.template.names))
    answer: Answer = made.send(caller, operation.method, target, body)
    headers = {name: value for name, value in answer.headers.items() if name not in DIFFERING}
    text = answer.body.decode()
    for name in hidden.values():
        text = text.replace(name, "…")
    return answer.status, headers, text
