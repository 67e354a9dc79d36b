"""Public keys over the wire."""

from datetime import UTC, datetime
from typing import Annotated, Literal, NotRequired, TypedDict

import msgspec

from roadstead.api.bodies import Shape, wrong_body
from roadstead.bitbucket.projects.shapes import CondensedProject, condensed_project
from roadstead.errors import InvalidInput, invalid_member
from roadstead.model import Project, Repository, Workspace
from roadstead.model.keys import DeployKey, SshKey
from roadstead.shapes.accounts import Account, CondensedUser, account, condensed_user
from roadstead.shapes.links import Link
from roadstead.shapes.moments import moment
from roadstead.shapes.repositories import CondensedRepository, condensed_repository

_EXAMPLE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKqP3Cr632C2dNhhgKVcon4ldUSAeKiku2yP9O9/bDtY ann@laptop"


class NewKey(TypedDict):
    """A public key to add, as in the file `id_ed25519.pub`."""

    key: Annotated[str, msgspec.Meta(examples=[_EXAMPLE])]
    label: NotRequired[str]


class KeyUpdate(TypedDict):
    """What changes of a user's key. The key itself may be there, unchanged."""

    label: NotRequired[Annotated[str, msgspec.Meta(examples=["Laptop"])]]
    comment: NotRequired[str]
    key: NotRequired[str]


class DeployKeyUpdate(TypedDict):
    """What changes of a deploy key. Its comment is that of `key`, which must be the same key."""

    label: NotRequired[Annotated[str, msgspec.Meta(examples=["Laptop"])]]
    key: NotRequired[str]


class GivenKey(msgspec.Struct):
    """A body that gives a key, or what changes of one."""

    key: str | None = None
    label: str | None = None
    comment: str | None = None


def _new(given: GivenKey) -> GivenKey:
    if given.key is None:
        raise InvalidInput("Bad request", fields={"key": "required key not provided"})
    return given


def _same(given: GivenKey) -> GivenKey:
    return given


NEW_KEY: Shape[GivenKey] = Shape(GivenKey, _new, wrong_body, documented=NewKey)
KEY: Shape[GivenKey] = Shape(GivenKey, _same, wrong_body, documented=KeyUpdate)
DEPLOY_KEY: Shape[GivenKey] = Shape(GivenKey, _same, wrong_body, documented=DeployKeyUpdate)


class Expiry(TypedDict, total=False):
    """When a new key stops working."""

    expires_on: Annotated[
        str, msgspec.Meta(description="A date, or a moment in ISO 8601.", examples=["2099-12-31T00:00:00.000Z"])
    ]


def expiry(text: str | None) -> datetime | None:
    """Return the moment at which a key expires; one without a zone is in UTC. Raise `InvalidInput`."""
    if text is None:
        return None
    try:
        given = datetime.fromisoformat(text)
        return given.replace(tzinfo=given.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise invalid_member("expires_on", "is not a date, or a moment in ISO 8601") from exc


class KeyLinks(TypedDict):
    self: Link


class SshKeyResource(TypedDict):
    """A user's public key."""

    type: Literal["ssh_key"]
    uuid: str
    key: str
    comment: str
    label: str
    fingerprint: str
    created_on: str
    last_used: str | None
    expires_on: str | None
    owner: CondensedUser
    links: KeyLinks


class AnyDeployKey(TypedDict):
    """What all deploy keys have."""

    type: Literal["deploy_key", "project_deploy_key"]
    id: int
    key: str
    comment: str
    label: str
    created_on: str
    added_on: str
    last_used: str | None
    links: KeyLinks


class DeployKeyResource(AnyDeployKey):
    """A public key that reads a repository. Without a person who added it, its owner is the workspace."""

    repository: CondensedRepository
    owner: Account


class ProjectDeployKeyResource(AnyDeployKey):
    """A public key that reads the repositories of a project."""

    project: CondensedProject
    created_by: Account


def ssh_key(key: SshKey, base_url: str, url: str) -> SshKeyResource:
    """Return a user's key."""
    return {
        "type": "ssh_key",
        "uuid": key.uuid,
        "key": key.key,
        "comment": key.comment,
        "label": key.label,
        "fingerprint": key.fingerprint,
        "created_on": moment(key.created_on),
        "last_used": moment(key.last_used_on) if key.last_used_on else None,
        "expires_on": moment(key.expires_on) if key.expires_on else None,
        "owner": condensed_user(key.user, base_url),
        "links": {"self": Link(url)},
    }


def deploy_key(key: DeployKey, repository: Repository, base_url: str, url: str) -> DeployKeyResource:
    """Return a key of a repository."""
    return {
        **_any(key, "deploy_key", url),
        "repository": condensed_repository(repository, base_url),
        "owner": _creator(key, repository.workspace, base_url),
    }


def project_key(
    key: DeployKey, project: Project, base_url: str, url: str, project_url: str
) -> ProjectDeployKeyResource:
    """Return a key of a project."""
    return {
        **_any(key, "project_deploy_key", url),
        "project": condensed_project(project, base_url, project_url),
        "created_by": _creator(key, project.workspace, base_url),
    }


def _any(key: DeployKey, kind: Literal["deploy_key", "project_deploy_key"], url: str) -> AnyDeployKey:
    return {
        "type": kind,
        "id": key.id,
        "key": key.key,
        "comment": key.comment,
        "label": key.label,
        "created_on": moment(key.created_on),
        "added_on": moment(key.created_on),
        "last_used": moment(key.last_used_on) if key.last_used_on else None,
        "links": {"self": Link(url)},
    }


def _creator(key: DeployKey, workspace: Workspace, base_url: str) -> Account:
    return account(key.creator or workspace, base_url)
