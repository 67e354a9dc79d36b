"""The project and the main branch that a caller names for a repository."""

from roadstead.domain.people.privileges import NoSuchProject, project_in
from roadstead.domain.people.workspaces import Visible, expect_administrator
from roadstead.errors import WrongCredential, invalid_member
from roadstead.model import Identity, Project, Repository
from roadstead.storage.database import Reader
from roadstead.storage.projects import oldest_project
from roadstead.storage.refs import find_ref


async def project_to_create_in(
    reader: Reader, identity: Identity, visible: Visible, key: str | None, usual: str | None = None
) -> Project | None:
    """Return the project of a new repository: without a key the usual one, which is otherwise the workspace's oldest.

    Return `None` if there is none yet, for a caller who may make it. Raise `InvalidInput` and `WrongCredential`.
    """
    if key is not None:
        return await named_project(reader, identity, visible, key)
    if usual is None:
        oldest = await oldest_project(reader, visible.workspace)
        if oldest is None:
            expect_administrator(identity, visible)
            return None
        usual = oldest.key
    try:
        return await project_in(reader, identity, visible, usual, "create-repo")
    except NoSuchProject as exc:
        raise WrongCredential("Access denied. You must have create-repo access to this project.") from exc


async def named_project(reader: Reader, identity: Identity, visible: Visible, key: str) -> Project:
    """Return a project in which the caller may create repositories. Raise `InvalidInput` and `WrongCredential`."""
    try:
        return await project_in(reader, identity, visible, key, "create-repo")
    except NoSuchProject as exc:
        raise invalid_member("project", exc.message) from exc


async def expect_branch(reader: Reader, repository: Repository, name: str) -> None:
    """Raise `InvalidInput` if a repository has no branch of that name."""
    if await find_ref(reader, repository.id, "branch", name) is None:
        raise invalid_member("mainbranch", f"branch not found: {name}")
