"""`/{workspace}/workspace/projects`: the projects of a workspace that the visitor sees; owners create others."""

from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from roadstead.domain.people import projects
from roadstead.domain.people.projects import ProjectChanges
from roadstead.model import Project
from roadstead.web.page import Visit, render
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
    slug_in,
    text_in,
    wanted_page,
)

TAB = "/projects"


@dataclass(frozen=True, slots=True)
class ProjectsPage:
    """Context of `projects.html`."""

    here: Here
    projects: Part[Project]


async def _page(visit: Visit, outcome: Outcome) -> Response:
    visible = await find_workspace(visit)
    here = here_at(visit, visible, TAB, outcome, done=FORMS.notice(visit))
    found = await projects.page_of_projects(visit.host, visit.identity, visible.workspace.slug, wanted_page(visit))
    page = ProjectsPage(here, part_of(here.path, found))
    return render("projects.html", page, visit=visit, status=outcome.status)


async def _create(visit: Visit, form: Form) -> Response:
    made = await projects.create_project(visit.host, visit.identity, slug_in(visit), changes_of(form))
    return RedirectResponse(f"{root_of(made.workspace)}{TAB}/{quote(made.key)}", 303)


def changes_of(form: Form) -> ProjectChanges:
    """Return what a form gives of a project."""
    return ProjectChanges(
        key=form.get("key", "").strip(),
        name=form.get("name", "").strip(),
        description=text_in(form, "description"),
        is_private=form.get("private") == "yes",
    )


FORMS = Forms(_page, {"create": Action(_create, "", "name")}, {"delete": "The project was deleted."})
