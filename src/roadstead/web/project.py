"""`/{workspace}/workspace/projects/{key}`: a project, and for its administrators the settings and permissions."""

from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from roadstead.domain.people import privileges, projects
from roadstead.domain.people.workspaces import find_member_named
from roadstead.errors import WrongCredential
from roadstead.model import PRIVILEGES, Privilege, Project, User
from roadstead.web.grants import Grants, grant, grants_in, take_back
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
class ProjectPage:
    """Context of `project.html`. Only administrators of the project have `grants` and `reviewers`."""

    here: Here
    project: Project
    grants: Grants | None
    reviewers: Part[User] | None
    privileges: tuple[Privilege, ...]


async def _page(visit: Visit, outcome: Outcome) -> Response:
    visible = await find_workspace(visit)
    project = await _project(visit, "read")
    below = f"/{quote(project.key)}"
    here = here_at(visit, visible, TAB, outcome, done=FORMS.notice(visit), below=below)
    administered = await _administered(visit)
    grants = None if administered is None else await grants_in(visit, administered, here.path)
    reviewers = None if administered is None else await _reviewers(visit, administered, here.path)
    page = ProjectPage(here, project, grants, reviewers, PRIVILEGES[1:])
    return render("project.html", page, visit=visit, status=outcome.status)


async def _administered(visit: Visit) -> Project | None:
    """Return the project if the visitor administers it."""
    try:
        return await _project(visit, "admin")
    except WrongCredential:
        return None


async def _reviewers(visit: Visit, project: Project, path: str) -> Part[User]:
    found = await projects.page_of_reviewers(visit.host, project, wanted_page(visit, "reviewers"))
    return part_of(path, found, "reviewers")


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
    await grant(visit, await _project(visit, "admin"), form)


async def _take_back(visit: Visit, form: Form) -> None:
    await take_back(visit, await _project(visit, "admin"), form)


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
