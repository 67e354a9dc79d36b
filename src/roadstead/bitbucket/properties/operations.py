"""`…/properties/{app_key}/{property_name}` below repositories, commits and users: what apps keep there."""

from typing import Any

from roadstead.api.answers import Answer, no_content
from roadstead.api.listing import Partial, shaped
from roadstead.api.needs import Scope
from roadstead.api.operation import Call
from roadstead.bitbucket.map import PROPERTIES as OPERATIONS
from roadstead.bitbucket.map import USER_PROPERTIES as OF_USERS
from roadstead.bitbucket.properties.shapes import PROPERTY, ApplicationProperty
from roadstead.domain import properties
from roadstead.domain.people.users import get_account
from roadstead.model import User

REPOSITORY = Scope("repository", "read:repository:bitbucket") & "read"
USER = Scope(None, "read:user:bitbucket")
_OF_USER = "/{app_key}/{property_name}"
_OF_REPOSITORY = f"/properties{_OF_USER}"
_OF_COMMIT = f"/commit/{{commit}}{_OF_REPOSITORY}"


@OPERATIONS.get(_OF_REPOSITORY, needs=REPOSITORY, query=Partial, gives={200: ApplicationProperty})
async def get_repository_property(call: Call) -> Answer:
    """Return what an app keeps beside a repository: its own properties to the app, public ones to everyone."""
    return await _get(call, call.repository)


@OPERATIONS.put(_OF_REPOSITORY, needs=REPOSITORY, takes=PROPERTY, gives={204: None})
async def put_repository_property(call: Call, value: dict[str, Any]) -> Answer:
    """Store a JSON object beside a repository. Only the app with this key may, or one of its pages."""
    return await _put(call, call.repository, "", value)


@OPERATIONS.delete(_OF_REPOSITORY, needs=REPOSITORY, gives={204: None})
async def delete_repository_property(call: Call) -> Answer:
    """Delete what the app keeps beside a repository. Only the app with this key may, or one of its pages."""
    return await _delete(call, call.repository)


@OPERATIONS.get(_OF_COMMIT, needs=REPOSITORY, query=Partial, gives={200: ApplicationProperty})
async def get_commit_property(call: Call) -> Answer:
    """Return what an app keeps beside a commit, which may be named by a branch or a tag."""
    return await _get(call, call.repository, _commit(call))


@OPERATIONS.put(_OF_COMMIT, needs=REPOSITORY, takes=PROPERTY, gives={204: None})
async def put_commit_property(call: Call, value: dict[str, Any]) -> Answer:
    """Store a JSON object beside a commit. Only the app with this key may, or one of its pages."""
    return await _put(call, call.repository, _commit(call), value)


@OPERATIONS.delete(_OF_COMMIT, needs=REPOSITORY, gives={204: None})
async def delete_commit_property(call: Call) -> Answer:
    """Delete what the app keeps beside a commit. Only the app with this key may, or one of its pages."""
    return await _delete(call, call.repository, _commit(call))


@OF_USERS.get(_OF_USER, needs=USER, query=Partial, gives={200: ApplicationProperty})
async def get_user_property(call: Call) -> Answer:
    """Return what an app keeps beside a user: its own properties to the app, public ones to everyone."""
    return await _get(call, await _user(call))


@OF_USERS.put(_OF_USER, needs=USER, takes=PROPERTY, gives={204: None})
async def put_user_property(call: Call, value: dict[str, Any]) -> Answer:
    """Store a JSON object beside a user. Only the app with this key may, or one of its pages."""
    return await _put(call, await _user(call), "", value)


@OF_USERS.delete(_OF_USER, needs=USER, gives={204: None})
async def delete_user_property(call: Call) -> Answer:
    """Delete what the app keeps beside a user. Only the app with this key may, or one of its pages."""
    return await _delete(call, await _user(call))


async def _get(call: Call, place: properties.Place, commit_hash: str = "") -> Answer:
    subject = properties.subject_of(place, commit_hash)
    return shaped(call, await properties.get_property(call.host, call.identity, subject, *_named(call)))


async def _put(call: Call, place: properties.Place, commit_hash: str, value: dict[str, Any]) -> Answer:
    await properties.put_property(call.host, call.identity, place, commit_hash, *_named(call), value)
    return no_content()


async def _delete(call: Call, place: properties.Place, commit_hash: str = "") -> Answer:
    await properties.delete_property(call.host, call.identity, place, commit_hash, *_named(call))
    return no_content()


def _named(call: Call) -> tuple[str, str]:
    return call.path["app_key"], call.path["property_name"]


async def _user(call: Call) -> User:
    return await get_account(call.host, call.path["selected_user"])


def _commit(call: Call) -> str:
    # Imported by the first of these requests, because it takes memory: apps keep most of their properties elsewhere.
    from roadstead.domain.repositories.commits import find_hash, folder_of

    return find_hash(folder_of(call.host, call.repository), call.path["commit"])
