"""The event of a change of a project."""

from typing import Any

from roadstead.bitbucket.projects.shapes import projects
from roadstead.domain.host import Host
from roadstead.domain.people.projects import find_project_of, find_with_public
from roadstead.events.payloads import Happening, Payload
from roadstead.model import Repository


async def _updated(host: Host, happening: Happening) -> Payload | None:
    """Build the payload, which has no repository."""
    workspace, told = happening.workspace, happening.told
    project = await find_project_of(host, workspace, told["project"])
    if project is None:
        return None
    url = f"{host.base_url}/2.0/workspaces/{workspace.slug}"
    shape = projects(workspace, host.base_url, url, await find_with_public(host, [project]))
    changes = {name: {"new": one["new"], "old": one["old"]} for name, one in told["changes"].items()}
    return {"project": shape(project, f"{url}/projects/{project.key}"), "changes": changes}


async def _sample(host: Host, repository: Repository) -> dict[str, Any]:
    project = repository.project
    return {
        "project": project.uuid,
        "changes": {"description": {"new": project.description, "old": "An earlier description"}},
    }


BUILDERS = {"project:updated": _updated}
SAMPLERS = {"project:updated": _sample}
