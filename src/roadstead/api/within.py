"""What the addresses of a group are within: found once, with the caller's privilege, before the operation runs."""

from typing import TYPE_CHECKING

from roadstead.api.answers import Answer, Redirect
from roadstead.model import Privilege

if TYPE_CHECKING:
    from roadstead.api.operation import Call
    from roadstead.api.template import Template
    from roadstead.model import Repository


async def repository(call: "Call", least: Privilege, template: "Template") -> Answer | None:
    """Find the repository of an address; return a redirect if it has another slug by now.

    Raise as `find_repository` does.
    """
    # Imported with the first group within repositories: the start of the host needs none.
    from roadstead.domain.repositories.access import RepositoryMoved, find_repository

    workspace, slug = call.path["workspace"], call.path["repo_slug"]
    try:
        held = await find_repository(call.host, call.identity, workspace, slug, least)
    except RepositoryMoved as moved:
        return redirect(call, moved.repository, template)
    call.is_within(held.repository, held.privilege)
    return None


def redirect(call: "Call", repository: "Repository", template: "Template") -> Answer:
    """Return the redirect to the same address with the present name of a repository; it keeps method and query."""
    scope = call.request.scope
    segments = scope["raw_path"].decode("latin-1").split("/")
    segments[template.segments.index("{workspace}")] = repository.workspace.slug
    segments[template.segments.index("{repo_slug}")] = repository.slug
    query = scope["query_string"].decode("latin-1")
    status = 301 if scope["method"] in ("GET", "HEAD") else 308
    return Redirect(status, f"{call.host.base_url}{'/'.join(segments)}{'?' if query else ''}{query}")
