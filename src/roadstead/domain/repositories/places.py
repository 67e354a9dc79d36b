"""The project of a repository: that which a caller names, or the oldest one of the workspace."""

from roadstead.domain.people.privileges import NoSuchProject, project_in
from roadstead.domain.people.workspaces import Visible, expect_administrator
from roadstead.errors import WrongCredential, invalid_member
from roadstead.model import Identity, Project
from roadstead.storage.database import Reader
from roadstead.storage.projects import oldest_project


async def project_to_create_in(reader: Reader, identity: Identity, visible: Visible, key: str | None) -> Project | None:
    """Return the project of a new repository: without a key the oldest of the workspace.

    Return `None` if there is none yet, for a caller who may make it. Raise `InvalidInput` and `WrongCredential`.
    """
    if key is not None:
        return await named_project(reader, identity, visible, key)
    oldest = await oldest_project(reader, visible.workspace)
    if oldest is None:
        expect_administrator(identity, visible)
        return None
    try:
        return await project_in(reader, identity, visible, oldest.key, "create-repo")
    except NoSuchProject as exc:
        raise WrongCredential("Access denied. You must have create-repo access to this project.") from exc


async def named_project(reader: Reader, identity: Identity, visible: Visible, key: str) -> Project:
    """Return a project in which the caller may create repositories. Raise `InvalidInput` and `WrongCredential`."""
    try:
        return await project_in(reader, identity, visible, key, "create-repo")
    except NoSuchProject as exc:
        raise invalid_member("project", exc.message) from exc
