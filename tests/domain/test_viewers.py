"""Users who look at pages of an app: what conditions say about them, and what a page may do as one of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from roadstead.domain.apps import frames, installations
from roadstead.domain.apps.page_loads import PageContext, page_context
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from roadstead.errors import RoadsteadError
from roadstead.model import Identity, Installation, Role, User
from tests.live import LiveHost, RecordingApp, recording_app

ROLES: dict[str, Role | None] = {
    "owner": "owner",
    "collaborator": "collaborator",
    "member": "member",
    "stranger": None,
    "administrator": None,
}
CONDITIONS = {
    ("has_permission", "read"): {"owner": "met"},
    ("has_permission", "write"): {"owner": "met"},
    ("has_permission", "admin"): {"owner": "met"},
    ("has_permission", "fly"): {},
    ("has_account_permission", "admin"): {
        "owner": "met",
        "collaborator": "not met",
        "member": "not met",
        "stranger": "not met",
    },
    ("has_account_permission", "collaborator"): {
        "owner": "not met",
        "collaborator": "met",
        "member": "met",
        "stranger": "not met",
    },
    ("has_account_permission", "fly"): {},
    ("has_workspace_permission", "admin"): {
        "owner": "met",
        "collaborator": "not met",
        "member": "not met",
        "stranger": "not met",
    },
    ("has_workspace_permission", "owner"): {
        "owner": "met",
        "collaborator": "not met",
        "member": "not met",
        "stranger": "not met",
    },
    ("has_workspace_permission", "collaborator"): {
        "owner": "met",
        "collaborator": "met",
        "member": "not met",
        "stranger": "not met",
    },
    ("has_workspace_permission", "member"): {
        "owner": "met",
        "collaborator": "met",
        "member": "met",
        "stranger": "not met",
    },
    ("has_issue_permission", "write"): {},
}
"""Written by hand: the verdict for each role; without one it is unknown. An administrator is judged as an owner."""


@pytest.fixture(scope="module")
def installed(host: LiveHost) -> Iterator[tuple[RecordingApp, Installation, dict[str, User]]]:
    """Return an app in a workspace, and a user for each role there."""

    async def make(host: Host, installation: Installation) -> dict[str, User]:
        made = {}
        for name, role in ROLES.items():
            if name != "administrator":
                made[name] = await users.create_user(host, name, display_name=name.title())
            if role is not None:
                await workspaces.add_member(host, installation.workspace.slug, name, role)
        return {**made, "administrator": await host.find_operator()}

    with recording_app() as app:
        installation = host.install(app, "viewed")
        yield app, installation, host.work(lambda opened: make(opened, installation))


Installed = tuple[RecordingApp, Installation, dict[str, User]]


def test_conditions_are_judged_by_the_viewers_privileges(host: LiveHost, installed: Installed) -> None:
    """Condition by permission by role, as written by hand."""
    _, installation, made = installed

    async def judge(opened: Host) -> dict[tuple[str, str], dict[str, str]]:
        contexts: dict[str, PageContext] = {
            name: await page_context(opened, installation, user, {}) for name, user in made.items()
        }
        return {
            (name, permission): {
                who: context.judge(({"condition": name, "params": {"permission": permission}},)).verdict
                for who, context in contexts.items()
            }
            for name, permission in CONDITIONS
        }

    expected = {
        key: {who: verdicts.get("owner" if who == "administrator" else who, "unknown") for who in ROLES}
        for key, verdicts in CONDITIONS.items()
    }
    assert host.work(judge) == expected


def test_a_page_acts_as_its_viewer(host: LiveHost, installed: Installed) -> None:
    """It sees the app's workspace if the viewer does, and administers it if the viewer does."""
    _, installation, made = installed

    async def ask(opened: Host) -> dict[str, Any]:
        return {name: await _may(opened, frames.viewer_of(installation, user)) for name, user in made.items()}

    assert host.work(ask) == {
        "owner": "administers",
        "collaborator": "sees",
        "member": "sees",
        "stranger": "NoSuchWorkspace",
        "administrator": "administers",
    }


async def _may(host: Host, viewer: Identity) -> str:
    try:
        visible = await workspaces.find_visible(host, viewer, "viewed")
    except RoadsteadError as exc:
        return type(exc).__name__
    return "administers" if workspaces.may_administer(viewer, visible) else "sees"


def test_the_app_learns_who_installed_it(host: LiveHost, installed: Installed) -> None:
    """`actor` is the user who acts, in the form captured from the cloud; the operator by default."""
    app, installation, made = installed
    first = app.calls("installed")[0].body
    host.work(lambda opened: _install_again(opened, installation, made["owner"]))
    again = app.calls("installed")[-1].body
    assert (first["actor"], again["actor"]) == (_actor(made["administrator"]), _actor(made["owner"]))
    assert (list(again), again["principal"]) == (list(first), first["principal"])


async def _install_again(host: Host, installation: Installation, actor: User) -> Installation:
    return await installations.renew_secret(host, installation.id, actor=actor)


def _actor(user: User) -> dict[str, str]:
    return {"type": "user", "uuid": user.uuid.strip("{}"), "account_id": user.account_id}


def test_context_parameters_are_of_the_viewer(host: LiveHost, installed: Installed) -> None:
    """`user` is the account of the viewer, and the token that a page gets names it."""
    _, installation, made = installed
    context = host.work(lambda opened: page_context(opened, installation, made["member"], {}))
    found = {name.partition(".")[2]: value for name, value in context.values.items() if name.startswith("user.")}
    member = made["member"]
    assert found == {
        "uuid": member.uuid,
        "account_id": member.account_id,
        "display_name": "Member",
        "nickname": "member",
        "type": "user",
    }
