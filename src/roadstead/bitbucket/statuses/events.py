"""The events of statuses of commits."""

from typing import Any

import msgspec

from roadstead.bitbucket.repositories.shapes import announced_repository
from roadstead.bitbucket.statuses.shapes import StatusShapes
from roadstead.domain.host import Host
from roadstead.domain.repositories.commits import folder_of
from roadstead.domain.repositories.known import Known
from roadstead.domain.repositories.people import users_of
from roadstead.domain.repositories.statuses import find_last_status
from roadstead.events.payloads import Happening, Payload
from roadstead.git import objects
from roadstead.model import Repository
from roadstead.model.statuses import CommitStatus


async def _given(host: Host, happening: Happening) -> Payload | None:
    """Build the payload from the status as it was given, which may have been replaced since."""
    repository = happening.repository
    if repository is None:
        return None
    status = msgspec.convert(happening.told["status"], CommitStatus)
    folder = folder_of(host, repository)
    is_there = objects.kind_of(folder, status.commit_hash) == "commit"
    commit = objects.commit(folder, status.commit_hash) if is_there else None
    users = await users_of(host, [] if commit is None else [commit.author])
    return {
        "commit_status": StatusShapes(repository, host.base_url, Known(users, {})).told(status, commit),
        "repository": announced_repository(repository, host.base_url),
    }


async def _sample(host: Host, repository: Repository) -> dict[str, Any] | None:
    status = await find_last_status(host, repository)
    return None if status is None else {"status": msgspec.to_builtins(status)}


_KEYS = ("repo:commit_status_created", "repo:commit_status_updated")
BUILDERS = dict.fromkeys(_KEYS, _given)
SAMPLERS = dict.fromkeys(_KEYS, _sample)
