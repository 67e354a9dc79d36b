"""`/{workspace}/workspace/projects/{key}`: a project, and for its administrators the settings and permissions."""

from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from roadstead.domain.people import permissions, privileges, projects
from roadstead.domain.people.workspaces import find_member_named
from roadstead.errors import InvalidInput, WrongCredential
from roadstead.model import PRIVILEGES, Group, Holder, Privilege, Project, User
from roadstead.web.page import Visit, render
from roadstead.web.projects import TAB, changes_of
from roadstead.web.workspace_page import (
    Action,
    Form,
    Forms,
    Here,
    Outcome,
    Part,
    find_workspace,
    here_at,
    part_of,
    root_of,
    wanted_page,
)


@dataclass(frozen=True, slots=True)
class Grants:
    """What a project's administrators see besides: who was granted what, and the default reviewers."""

    users: Part[tuple[User, Privilege]]
    groups: Part[tuple[Group, Privilege]]
    reviewers: Part[User]


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """Context of `project.html`. Only administrators of the project have `grants`."""

    here: Here
    project: Project
    grants: Grants | None
    privileges: tuple[Privilege, ...]


async def _page(visit: Visit, outcome: Outcome) -> Response:
    visible = await find_workspace(visit)
    project = await _project(visit, "read")
    below = f"/{quote(project.key)}"
    here = here_at(visit, visible, TAB, outcome, done=FORMS.notice(visit), below=below)
    page = ProjectPage(here, project, await _grants(visit, here.path), PRIVILEGES[1:])
    return render("project.html", page, visit=visit, status=outcome.status)


async def _grants(visit: Visit, path: str) -> Grants | None:
    try:
        project = await _project(visit, "admin")
    except WrongCredential:
        return None
    users = await permissions.page_of_users(visit.host, project, wanted_page(visit, "users"))
    groups = await permissions.page_of_groups(visit.host, project, wanted_page(visit, "groups"))
    reviewers = await projects.page_of_reviewers(visit.host, project, wanted_page(visit, "reviewers"))
    return Grants(part_of(path, users, "users"), part_of(path, groups, "groups"), part_of(path, reviewers, "reviewers"))


async def _project(visit: Visit, least: Privilege) -> Project:
    path = visit.request.path_params
    return await privileges.find_project(visit.host, visit.identity, path["workspace"], path["key"], least)


async def _change(visit: Visit, form: Form) -> Response:
    path = visit.request.path_params
    await _project(visit, "admin")  # a project that is gone is not made again
    changed, _ = await projects.put_project(
        visit.host, visit.identity, path["workspace"], path["key"], changes_of(form)
    )
    return RedirectResponse(f"{root_of(changed.workspace)}{TAB}/{quote(changed.key)}?done=change", 303)


async def _delete(visit: Visit, form: Form) -> Response:
    path = visit.request.path_params
    await projects.delete_project(visit.host, visit.identity, path["workspace"], path["key"])
    return RedirectResponse(f"/{path['workspace']}/workspace{TAB}?done=delete", 303)


async def _grant(visit: Visit, form: Form) -> None:
    project = await _project(visit, "admin")
    privilege = permissions.grantable(form.get("permission", ""), project)
    await permissions.grant(visit.host, visit.identity, project, await _holder(visit, project, form), privilege)


async def _take_back(visit: Visit, form: Form) -> None:
    project = await _project(visit, "admin")
    await permissions.take_back(visit.host, visit.identity, project, await _holder(visit, project, form))


async def _holder(visit: Visit, project: Project, form: Form) -> Holder:
    """Return the user or the group that a form names. Raise `InvalidInput` and `NotFound`."""
    user, group = form.get("user", "").strip(), form.get("group", "").strip()
    if bool(user) == bool(group):
        wrong = "Name either a user or a group."
        raise InvalidInput(wrong, fields={"user": [wrong]})
    if user:
        return await find_member_named(visit.host, project.workspace, user)
    return await permissions.find_group(visit.host, project, group)


async def _add_reviewer(visit: Visit, form: Form) -> None:
    project = await _project(visit, "admin")
    user = await find_member_named(visit.host, project.workspace, form.get("name", "").strip())
    await projects.add_reviewer(visit.host, visit.identity, project, user)


async def _remove_reviewer(visit: Visit, form: Form) -> None:
    project = await _project(visit, "admin")
    user = await find_member_named(visit.host, project.workspace, form.get("name", ""))
    await projects.remove_reviewer(visit.host, visit.identity, project, user)


FORMS = Forms(
    _page,
    {
        "change": Action(_change, "The project was changed.", "name"),
        "delete": Action(
            _delete,
            "",
            "name",
            asks="Delete the project {name}, with its permissions and default reviewers, for good?",
        ),
        "grant": Action(_grant, "The permission was granted.", "user"),
        "take-back": Action(_take_back, "The permission was taken back.", "user"),
        "add-reviewer": Action(_add_reviewer, "The user is a default reviewer.", "name"),
        "remove-reviewer": Action(_remove_reviewer, "The default reviewer was removed.", "name"),
    },
)
