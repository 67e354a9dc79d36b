"""Repositories, as other resources contain them."""

from typing import Literal, TypedDict

from roadstead.model import BriefRepository, Repository
from roadstead.shapes.accounts import avatar_url
from roadstead.shapes.links import Link


class RepositoryBriefLinks(TypedDict):
    self: Link
    html: Link
    avatar: Link


class CondensedRepository(TypedDict):
    """A repository, as other objects contain one."""

    type: Literal["repository"]
    full_name: str
    links: RepositoryBriefLinks
    name: str
    uuid: str


def repository_url(repository: Repository | BriefRepository, base_url: str) -> str:
    """Return the address of a repository in the API."""
    return f"{base_url}/2.0/repositories/{repository.full_name}"


def repository_page(repository: Repository | BriefRepository, base_url: str) -> str:
    """Return the address of the page of a repository."""
    return f"{base_url}/{repository.full_name}"


def condensed_repository(repository: Repository | BriefRepository, base_url: str) -> CondensedRepository:
    """Return a repository as other objects contain one."""
    return {
        "type": "repository",
        "full_name": repository.full_name,
        "links": {
            "self": Link(repository_url(repository, base_url)),
            "html": Link(repository_page(repository, base_url)),
            "avatar": Link(avatar_url(base_url, repository.name)),
        },
        "name": repository.name,
        "uuid": repository.uuid,
    }
