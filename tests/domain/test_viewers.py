"""Users who look at pages of an app: what conditions say about them, and what a page may do as one of them."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from roadstead.accounts import SessionUser
from roadstead.domain.apps import frames, installations
from roadstead.domain.apps.page_loads import PageContext, page_context
from roadstead.domain.host import Host
from roadstead.domain.people import permissions, users, workspaces
from roadstead.domain.repositories.creation import create_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.errors import RoadsteadError
from roadstead.model import Identity, Installation, Repository, Role, User
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
IN_REPOSITORY = {
    "read": {"owner", "collaborator", "member", "administrator"},
    "write": {"owner", "collaborator", "administrator"},
    "admin": {"owner", "administrator"},
}
"""Who meets `has_permission` in a private repository, where `write` was granted to the collaborator, and `read` to the
member.
"""
ITEM = {
    "key": "item",
    "name": {"value": "Item"},
    "url": "/item?u={repository.uuid}&s={repository.slug}&n={repository.full_name}",
    "location": "org.bitbucket.repository.actions",
}


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

    with recording_app(modules={"webItems": [ITEM]}) as app:
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


def test_has_permission_is_judged_in_the_repository_of_the_context(host: LiveHost, installed: Installed) -> None:
    """By the viewer's privilege there, however the context names it: none in one that the viewer does not see. Owners
    may do everything, also in a repository that is not there.
    """
    _, installation, made = installed

    async def judge(opened: Host) -> dict[str, dict[str, set[str]]]:
        repository = await _share(opened, made)
        names = {"uuid": repository.uuid, "slug": "shared", "full_name": "viewed/shared"}
        found = {name: {f"repository.{name}": value} for name, value in names.items()}
        found["missing"] = {"repository.slug": "nowhere"}
        return {name: await _who_may(opened, installation, made, chosen) for name, chosen in found.items()}

    only_owners = {permission: {"owner", "administrator"} for permission in IN_REPOSITORY}
    expected = dict.fromkeys(("uuid", "slug", "full_name"), IN_REPOSITORY) | {"missing": only_owners}
    assert host.work(judge) == expected


async def _share(host: Host, made: Mapping[str, User]) -> Repository:
    owner = SessionUser(made["owner"])
    repository = await create_repository(host, owner, "viewed", "shared", RepositoryChanges())
    await permissions.grant(host, owner, repository, made["collaborator"], "write")
    await permissions.grant(host, owner, repository, made["member"], "read")
    return repository


async def _who_may(
    host: Host, installation: Installation, made: Mapping[str, User], chosen: Mapping[str, str]
) -> dict[str, set[str]]:
    contexts = {name: await page_context(host, installation, user, chosen) for name, user in made.items()}
    conditions = {name: ({"condition": "has_permission", "params": {"permission": name}},) for name in IN_REPOSITORY}
    return {
        name: {who for who, context in contexts.items() if context.judge(condition).verdict == "met"}
        for name, condition in conditions.items()
    }


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
