"""The events of repositories themselves: created, imported, changed, forked, transferred and deleted."""

from typing import Any

import msgspec

from roadstead.bitbucket.repositories.shapes import announced_repository, workspace_url
from roadstead.bitbucket.workspaces.shapes import condensed_workspace
from roadstead.domain.host import Host
from roadstead.events.payloads import Happening, Payload, repository_named
from roadstead.model import Repository, Workspace


async def _alone(host: Host, happening: Happening) -> Payload | None:
    """Build the payload of an event that tells of nothing but the repository."""
    if happening.repository is None:
        return None
    return {"repository": announced_repository(happening.repository, host.base_url)}


async def _deleted(host: Host, happening: Happening) -> Payload:
    """Build the payload from the repository as it was."""
    gone = msgspec.convert(happening.told["repository"], Repository)
    return {"repository": announced_repository(gone, host.base_url)}


async def _updated(host: Host, happening: Happening) -> Payload | None:
    payload = await _alone(host, happening)
    if payload is None:
        return None
    changes = {name: {"new": one["new"], "old": one["old"]} for name, one in happening.told["changes"].items()}
    if "full_name" in changes:
        changes["links"] = {"new": {}, "old": {}}  # as captured
    return {**payload, "changes": changes}


async def _forked(host: Host, happening: Happening) -> Payload | None:
    payload, fork = await _alone(host, happening), await repository_named(host, happening.told["fork"])
    return None if payload is None or fork is None else {**payload, "fork": announced_repository(fork, host.base_url)}


async def _transferred(host: Host, happening: Happening) -> Payload | None:
    payload = await _alone(host, happening)
    previous = msgspec.convert(happening.told["previous_workspace"], Workspace)
    url = workspace_url(host.base_url, previous)
    condensed = condensed_workspace(previous, host.base_url, url)
    return None if payload is None else {**payload, "previous_workspace": condensed}


async def _nothing(host: Host, repository: Repository) -> dict[str, Any]:
    return {}


async def _sample_of_deleted(host: Host, repository: Repository) -> dict[str, Any]:
    return {"repository": msgspec.to_builtins(repository)}


async def _sample_of_updated(host: Host, repository: Repository) -> dict[str, Any]:
    return {"changes": {"description": {"new": repository.description, "old": "An earlier description"}}}


async def _sample_of_transferred(host: Host, repository: Repository) -> dict[str, Any]:
    return {"previous_workspace": msgspec.to_builtins(repository.workspace)}


async def _sample_of_forked(host: Host, repository: Repository) -> dict[str, Any]:
    return {"fork": repository.uuid}


BUILDERS = {
    "repo:created": _alone,
    "repo:imported": _alone,
    "repo:deleted": _deleted,
    "repo:updated": _updated,
    "repo:fork": _forked,
    "repo:transfer": _transferred,
}
SAMPLERS = {
    "repo:created": _nothing,
    "repo:imported": _nothing,
    "repo:deleted": _sample_of_deleted,
    "repo:updated": _sample_of_updated,
    "repo:fork": _sample_of_forked,
    "repo:transfer": _sample_of_transferred,
}
