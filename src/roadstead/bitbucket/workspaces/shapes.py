"""Workspaces and memberships over the wire."""

from datetime import UTC
from typing import Annotated, Literal, NotRequired, TypedDict, cast

import msgspec

from roadstead.listing import Listing
from roadstead.model import MEMBERSHIP_LIST, Membership, Role, Workspace
from roadstead.shapes.accounts import CondensedUser, avatar_url, condensed_user
from roadstead.shapes.links import Link, SelfLink
from roadstead.shapes.moments import moment

ACCESS_LIST = Listing(*MEMBERSHIP_LIST.fields.values(), order="id", length=50)
"""The removed list of permissions has longer pages."""


class BaseLinks(TypedDict):
    self: Link
    avatar: Link


class CondensedLinks(BaseLinks):
    html: Link


class WorkspaceLinks(CondensedLinks):
    html_overview: Link
    members: Link
    owners: Link
    projects: Link
    hooks: Link
    repositories: Link


class WorkspaceBase(TypedDict):
    """A workspace, as `/2.0/user/workspaces` has it."""

    type: Literal["workspace_base"]
    uuid: str
    slug: str
    links: BaseLinks


class CondensedWorkspace(TypedDict):
    """A workspace, as other objects contain one."""

    type: Literal["workspace"]
    uuid: str
    name: str
    slug: str
    links: CondensedLinks


class WorkspaceResource(TypedDict):
    """An account of several people, which apps are installed on."""

    type: Literal["workspace"]
    uuid: str
    name: str
    slug: str
    is_private: bool
    is_privacy_enforced: bool
    forking_mode: Literal["allow_forks"]
    created_on: str
    links: WorkspaceLinks


class WorkspaceAccess(TypedDict):
    """A workspace of the user, and whether the user administers it."""

    type: Literal["workspace_access"]
    administrator: bool
    workspace: WorkspaceBase


class Member(CondensedUser):
    """A member. `email` is there if an administrator of the workspace filters by the address, and asks for it."""

    email: NotRequired[str]


class MembershipResource(TypedDict):
    """A user's membership of a workspace."""

    type: Literal["workspace_membership"]
    links: SelfLink
    user: Member
    workspace: CondensedWorkspace


class PermissionResource(MembershipResource):
    """A user's membership of a workspace, and the role."""

    permission: Role


class DatedPermission(PermissionResource):
    """A membership as the removed list had it."""

    last_accessed: None
    added_on: str


class OfAdministrator(TypedDict, total=False):
    """The parameter that chooses workspaces by the user's role."""

    administrator: Annotated[
        Literal["true", "false"], msgspec.Meta(description="Whether the user administers the workspace.")
    ]


class OfRole(TypedDict, total=False):
    """The parameter that chooses workspaces by the user's role."""

    role: Annotated[Role, msgspec.Meta(description="The user's role in the workspace.")]


def workspace(workspace: Workspace, base_url: str, self_url: str, members_url: str) -> WorkspaceResource:
    """Return a workspace."""
    condensed = condensed_workspace(workspace, base_url, self_url)
    return {
        "type": "workspace",
        "uuid": workspace.uuid,
        "name": workspace.name,
        "slug": workspace.slug,
        "is_private": True,
        "is_privacy_enforced": False,
        "forking_mode": "allow_forks",
        "created_on": moment(workspace.created_on),
        "links": {
            **condensed["links"],
            "html_overview": Link(f"{base_url}/{workspace.slug}/workspace/overview/"),
            "members": Link(members_url),
            "owners": Link(f"{members_url}?q=permission%3D%22owner%22"),
            # Of groups that use this one, so that their templates are not known here.
            "projects": Link(f"{self_url}/projects"),
            "hooks": Link(f"{self_url}/hooks"),
            "repositories": Link(f"{base_url}/2.0/repositories/{workspace.slug}"),
        },
    }


def condensed_workspace(workspace: Workspace, base_url: str, self_url: str) -> CondensedWorkspace:
    """Return a workspace as other objects contain one."""
    return {
        "type": "workspace",
        "uuid": workspace.uuid,
        "name": workspace.name,
        "slug": workspace.slug,
        "links": {
            "self": Link(self_url),
            "avatar": Link(avatar_url(base_url, workspace.slug)),
            "html": Link(f"{base_url}/{workspace.slug}/"),
        },
    }


def access(membership: Membership, base_url: str, self_url: str) -> WorkspaceAccess:
    """Return a workspace of the user."""
    workspace = membership.workspace
    return {
        "type": "workspace_access",
        "administrator": membership.role == "owner",
        "workspace": {
            "type": "workspace_base",
            "uuid": workspace.uuid,
            "slug": workspace.slug,
            "links": {"self": Link(self_url), "avatar": Link(avatar_url(base_url, workspace.slug))},
        },
    }


def membership(membership: Membership, base_url: str, self_url: str, workspace_url: str) -> MembershipResource:
    """Return a membership."""
    user = cast("Member", condensed_user(membership.user, base_url))
    if membership.email is not None:
        user["email"] = membership.email
    return {
        "type": "workspace_membership",
        "links": SelfLink(Link(self_url)),
        "user": user,
        "workspace": condensed_workspace(membership.workspace, base_url, workspace_url),
    }


def dated(membership: Membership, permission: PermissionResource) -> DatedPermission:
    """Return a membership as the removed list had it: with a moment in UTC that does not say so."""
    added_on = membership.added_on.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return {**permission, "last_accessed": None, "added_on": added_on}
