"""Workspaces over the wire."""

from typing import Literal, TypedDict

from roadstead.model import Workspace
from roadstead.shapes.links import Link


class WorkspaceLinks(TypedDict):
    self: Link
    html: Link


class WorkspaceResource(TypedDict):
    """The account that apps are installed on."""

    type: Literal["workspace"]
    uuid: str
    slug: str
    name: str
    is_private: bool
    created_on: str
    links: WorkspaceLinks


def workspace(workspace: Workspace, self_url: str, html_url: str) -> WorkspaceResource:
    """Return a workspace."""
    return {
        "type": "workspace",
        "uuid": workspace.uuid,
        "slug": workspace.slug,
        "name": workspace.name,
        "is_private": True,
        "created_on": workspace.created_on.isoformat(timespec="microseconds"),
        "links": {"self": Link(self_url), "html": Link(html_url)},
    }
