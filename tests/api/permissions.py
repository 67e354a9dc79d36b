"""The hand-written tables of who may do what, the answers that follow from them, and a host with everyone in them."""

import base64
import http.client
import json
import re
import time
import tomllib
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from roadstead.domain.access import consumers, credentials, grants, guesses
from roadstead.domain.access.access_tokens import create_access_token
from roadstead.domain.host import Host
from roadstead.domain.people import groups, users, workspaces
from roadstead.model import Consumer, User
from tests.live import AppClient, LiveHost, RecordingApp, live_host, recording_app

TABLES: dict[str, Any] = tomllib.loads(Path(__file__).with_name("permissions.toml").read_text("utf-8"))
CALLERS: dict[str, dict[str, Any]] = TABLES["callers"]
CREDENTIALS: dict[str, dict[str, Any]] = TABLES["credentials"]
OPERATIONS: list[dict[str, Any]] = TABLES["operations"]

PROJECTS = {"private": "HIDDEN", "public": "OPEN"}
"""The keys of the two projects."""
REPOSITORIES = {"private": "hidden", "public": "open"}
"""The slugs of the repositories in them."""
NAMES = {"private": "Hidden Tools", "public": "Open Tools"}
_TOKENS: dict[str, tuple[str, str | None]] = {
    "workspace-token": ("acme", None),
    "project-token": ("acme", PROJECTS["private"]),
    "token-elsewhere": ("elsewhere", None),
    "repository-token": ("acme", REPOSITORIES["private"]),
}
"""The workspace of each access token, and its project or repository."""
_LADDER = ("none", "read", "write", "create-repo", "admin")
_CLASSIC = re.compile(r"[a-z]+(:[a-z]+)?")
_OWNERS = ("owner", "stranger")

Caller = tuple[str, str]
"""A name in the table of callers, and one in that of credentials."""

# What the tables say


def everyone() -> list[Caller]:
    """Return each caller with each credential that such a caller may have."""
    return [(who, how) for who in CALLERS for how, credential in CREDENTIALS.items() if _has(who, credential["of"])]


def _has(who: str, of: str) -> bool:
    if who == "nobody":
        return of == "nobody"
    if who.startswith("app"):
        return of == "apps"
    if is_token(who):
        return of == "tokens"
    return of == "users" or (of == "owners" and who in _OWNERS)


def is_token(who: str) -> bool:
    """Return whether a caller is an access token."""
    return who in _TOKENS


def expected(caller: Caller, operation: Mapping[str, Any], project: str) -> tuple[int, str]:
    """Return the status of an operation on the private or the public project, and the beginning of a refusal."""
    # The API reads no session.
    is_anonymous = caller[1] in ("none", "session") and operation.get("open", False)
    if is_anonymous:
        caller = "nobody", "none"
    who, how = CALLERS[caller[0]], CREDENTIALS[caller[1]]
    needs = operation["needs"]
    if not is_accepted(caller) and not is_anonymous:
        return 401, ""
    if needs == "app":
        return (operation.get("gives", 200), "") if caller[1].startswith("jwt") else (403, "This API is only")
    if is_token(caller[0]) and operation.get("tokens") == 401:
        return 401, "Token is invalid, expired, or not supported for this endpoint."
    if not is_anonymous and not _has_scope(how, operation):
        return 403, "Your credentials lack"
    if operation.get("gives") == 410:
        return 410, "CHANGE-2770"
    if "{repo" in operation["call"] or needs == "create-repo":
        refusal = _refusal_of_repository(caller, operation, project)
    else:
        refusal = _refusal_of_privilege(who, how, needs, operation, project, sees_workspace(caller))
    if is_token(caller[0]) and operation.get("tokens") == 403 and (refusal is None or needs == "admin of it"):
        refusal = (403, "This API is only") if sees_workspace(caller) else refusal
    return refusal or (operation.get("gives", 200), "")


def is_accepted(caller: Caller) -> bool:
    """Return whether the API knows who sends this credential."""
    if caller == ("operator", "basic-of-another"):
        return True  # the operator's tokens work with any name
    return bool(CALLERS[caller[0]].get("is_active", True) and CREDENTIALS[caller[1]].get("works", True))


def sees_workspace(caller: Caller) -> bool:
    """Return whether the caller sees the workspace `acme` with a credential that works."""
    who, how = CALLERS[caller[0]], CREDENTIALS[caller[1]]
    if how.get("integration") and not who.get("is_member", True):
        return False  # an administrator's consumer is of one workspace, and has not all others
    return "workspace" in who and bool(how.get("sees_workspace", True))


def holds(caller: Caller, project: str) -> str:
    """Return the caller's privilege in the private or the public project."""
    return str(CALLERS[caller[0]].get(project, "none")) if sees_workspace(caller) else "none"


def holds_in_repository(caller: Caller, project: str) -> str:
    """Return the caller's privilege in the repository of the private or the public project."""
    who = CALLERS[caller[0]]
    granted = who.get(project, "none") if sees_workspace(caller) else "none"
    if project == "public":
        return "admin" if granted == "admin" else "read"
    granted = str(who.get("repository", granted)) if sees_workspace(caller) else "none"
    return "write" if granted == "create-repo" else granted


def _refusal_of_repository(caller: Caller, operation: Mapping[str, Any], project: str) -> tuple[int, str] | None:
    needs, how = operation["needs"], CREDENTIALS[caller[1]]
    if "{repo" in operation["call"]:
        held, least = holds_in_repository(caller, project), "read" if needs == "create-repo" else needs
        if held == "none" and "unseen" in operation:
            return _refusal_of_creation(caller, "none")
        if held == "none":
            return 404, "You may not have access to this repository"
        if _LADDER.index(held) < _LADDER.index(least):
            return 403, f"Access denied. You must have {least} access to this repository."
    if needs == "create-repo":
        # A fork comes into the project of its parent, which no body has to name.
        return _refusal_of_creation(caller, project, is_named="{repo" not in operation["call"])
    return (403, "This API is only") if operation.get("people") and how.get("integration") else None


def _refusal_of_creation(caller: Caller, project: str, *, is_named: bool = True) -> tuple[int, str] | None:
    """Return the refusal of a new repository in a project; `none` is for a body that names none."""
    if not sees_workspace(caller):
        return 404, "No workspace with identifier"
    held = CALLERS[caller[0]].get(project, "none")
    if held == "none" and project != "none" and is_named:
        return 400, "project: No project with identifier"
    too_little = _LADDER.index(held) < _LADDER.index("create-repo")
    return (403, "Access denied. You must have create-repo access to this project.") if too_little else None


def is_of_a_project(operation: Mapping[str, Any]) -> bool:
    """Return whether an operation is asked about both projects."""
    return bool(re.search(r"{(project|repo)", operation["call"] + str(operation.get("body"))))


def _has_scope(how: Mapping[str, Any], operation: Mapping[str, Any]) -> bool:
    if "scopes" not in how:
        return True
    granted = str(how["scopes"]).split()
    classic = {scope for scope in granted if _CLASSIC.fullmatch(scope)}
    classic |= {implied for scope in classic for implied in TABLES["implies"].get(scope, [])}
    if set(operation["granular"].split()) <= set(granted):
        return True
    return classic.issuperset(operation["scope"].split()) if "scope" in operation else bool(classic)


def shown_scopes(caller: Caller, operation: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what a refusal says: the scopes that are needed, of the kind that the credential has, and those it has."""
    granted = str(CREDENTIALS[caller[1]]["scopes"]).split()
    is_granular = not all(_CLASSIC.fullmatch(scope) for scope in granted)
    needed = operation["granular" if is_granular else "scope"].split()
    return {"required": needed, "granted": sorted(granted)}


def _refusal_of_privilege(
    who: Mapping[str, Any],
    how: Mapping[str, Any],
    needs: str,
    operation: Mapping[str, Any],
    project: str,
    sees: bool,
) -> tuple[int, str] | None:
    if needs == "credential":
        return None
    if needs == "email":
        return None if who.get("email", True) else (404, "You have no e-mail address")
    if not sees:
        return 404, "No workspace with identifier"
    if needs == "role":
        return (403, "You do not have access") if who["workspace"] == "app" else None
    if needs == "admin of it":
        administers = who["workspace"] in ("owner", "app") or who.get("administers", False)
        return None if administers else (403, "Access denied. You must have admin access to this workspace.")
    return None if needs == "workspace" else _refusal_of_project(who, how, operation, project)


def _refusal_of_project(
    who: Mapping[str, Any], how: Mapping[str, Any], operation: Mapping[str, Any], project: str
) -> tuple[int, str] | None:
    held, needs = who.get(project, "none"), operation["needs"]
    if held == "none":
        unseen = operation.get("unseen", 404)
        return unseen, "No project with identifier" if unseen == 404 else "Access denied. You must have admin"
    if _LADDER.index(held) < _LADDER.index(needs):
        return 403, f"Access denied. You must have {needs} access to this project."
    return (403, "This API is only") if operation.get("people") and how.get("integration") else None


_WHO = {
    "credential": "everyone",
    "email": "everyone",
    "role": "a member of the workspace",
    "workspace": "who sees the workspace",
    "admin of it": "an administrator of the workspace",
    "read": "`read` in the project",
    "write": "`write` in the project",
    "admin": "`admin` in the project",
    "create-repo": "`create-repo` in the project",
}


_NOT_BY = {
    (False, False): "",
    (False, True): "; no access token",
    (True, True): "; no app, no OAuth token, no access token",
}


def documented() -> Iterator[str]:
    """Return the rows about operations as the reference has them. What differs by the query is in prose there."""
    for one in OPERATIONS:
        if (
            one["needs"] == "app"
            or "?" in one["call"]
            or "{deactivated}" in one["call"]
            or one.get("gives") in (403, 404)
        ):
            continue
        scope = ", ".join(f"`{name}`" for name in one["scope"].split()) if "scope" in one else "any"
        granular = ", ".join(f"`{name.removesuffix(':bitbucket')}`" for name in one["granular"].split())
        who = _WHO[one["needs"]]
        if "{repo" in one["call"]:
            is_fork = one["needs"] == "create-repo"
            who = f"{who}, `read` in its parent" if is_fork else who.replace("project", "repository")
        who += "; without a credential, what is public" if one.get("open") else ""
        who += one.get("note", "") + _NOT_BY[bool(one.get("people")), "tokens" in one]
        yield f"| `{template_of(one['call'])}` | {scope} | {granular} | {who} |"


def template_of(call: str) -> str:
    """Return a call in the table with the names of its parameters."""
    method, _, target = call.partition(" ")
    return f"{method} " + "/".join(_PARAMETERS.get(one, one) for one in target.partition("?")[0].split("/"))


_PARAMETERS = {
    "acme": "{workspace}",
    "{workspace uuid}": "{workspace}",
    "NEW": "{project_key}",
    "{project}": "{project_key}",
    "{project to delete}": "{project_key}",
    "{repo}": "{repo_slug}",
    "{repo to delete}": "{repo_slug}",
    "new": "{repo_slug}",
    "bystanders": "{group_slug}",
    "{bystander}": "{user}",
    "{member}": "{user}",
    "{stranger}": "{user}",
    "{deactivated}": "{user}",
    "{own email}": "{email}",
    "stranger-too@acme.example": "{email}",
}


# A host with everyone in the tables


@dataclass
class Answer:
    """What a host answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """Return the message of a refusal."""
        return str(self.json["error"]["message"]) if self.status >= 400 else ""


@dataclass
class World:
    """A running host with the workspace `acme`, everyone in the tables, and the credentials of some callers."""

    host: LiveHost
    accounts: dict[str, User] = field(default_factory=dict)
    authorizations: dict[Caller, str] = field(default_factory=dict)
    apps: dict[str, AppClient] = field(default_factory=dict)
    workspace_uuid: str = ""
    _throwaways: int = 0

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(self.host.url).netloc)
        self._sent_at = time.monotonic()

    def send(self, caller: Caller, method: str, target: str, body: Any = None) -> Answer:
        """Send a request over the one connection."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        if caller[1].startswith("jwt"):
            headers["Authorization"] = f"JWT {self.apps[' '.join(caller)].token(method, target)}"
        elif caller[1] == "session":
            headers["Cookie"] = f"roadstead_session={self.authorizations[caller]}"
        elif caller[1] != "none":
            headers["Authorization"] = self.authorizations[caller]
        if time.monotonic() - self._sent_at > 1:
            self._connection.close()  # the host may have done so; the next request opens it again
        self._sent_at = time.monotonic()
        self._connection.request(method, target, None if body is None else json.dumps(body), headers)
        received = self._connection.getresponse()
        content = received.read()
        return Answer(received.status, {name.lower(): value for name, value in received.getheaders()}, content)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def owner(self, method: str, target: str, body: Any = None) -> Answer:
        """Send a request that the owner may make."""
        answer = self.send(("owner", "token"), method, target, body)
        assert answer.status < 300, (method, target, answer)
        return answer

    def target(self, text: str, caller: Caller, project: str) -> str:
        """Return the address of a call in the table for a caller and a project."""

        def value(found: re.Match[str]) -> str:
            match found[1]:
                case "project" | "project to delete":
                    return PROJECTS[project]
                case "repo" | "repo to delete":
                    return REPOSITORIES[project]
                case "own email":
                    return f"{caller[0]}@acme.example"
                case "workspace uuid":
                    return quote(self.workspace_uuid, safe="")
                case name:
                    return quote(self.accounts[name].uuid, safe="")

        address, _, query = re.sub(r"{([a-z -]+)}", value, text).partition("?")
        return f"{address}?{quote(query, safe='=')}" if query else address

    def throwaway(self, caller: Caller, project: str) -> tuple[Caller, str]:
        """Create a project like the private or the public one. Return its token for the private one's, and its key."""
        self._throwaways += 1
        key = f"T{self._throwaways}"
        _make_project(self, key, f"Throw-away {key}", project)
        if caller[0] == "project-token":
            caller = f"token of {key}", caller[1]
            self.host.work(partial(_make_token, world=self, caller=caller, slug="acme", of=key))
        return caller, key

    def throwaway_repository(self, caller: Caller, project: str) -> tuple[Caller, str]:
        """Create a repository like the private or the public one. Return who may delete it, and its slug."""
        self._throwaways += 1
        slug = f"t{self._throwaways}"
        _make_repository(self, slug, project, is_private=project == "private")
        if caller[0] == "repository-token":
            caller = f"repository-token of {slug}", caller[1]
            self.host.work(partial(_make_token, world=self, caller=caller, slug="acme", of=slug))
        return caller, slug

    def state(self) -> dict[str, Any]:
        """Return everything that the operations could change, as the owner sees it."""
        below = "/2.0/workspaces/acme/projects"
        state: dict[str, Any] = {}
        for target in (
            [below, "/2.0/workspaces/acme/permissions"]
            + [
                f"{below}/{key}/{what}"
                for key in PROJECTS.values()
                for what in ("permissions-config/users", "permissions-config/groups", "default-reviewers")
            ]
            + ["/2.0/repositories/acme"]
            + [
                f"/2.0/repositories/acme/{slug}/permissions-config/{what}"
                for slug in REPOSITORIES.values()
                for what in ("users", "groups")
            ]
        ):
            values = self.owner("GET", f"{target}?pagelen=100").json["values"]
            state[target] = sorted(json.dumps({**one, "updated_on": ""}, sort_keys=True) for one in values)
        return state


@contextmanager
def world(folder: Path, callers: Collection[Caller], *, with_public: bool = True, **settings: Any) -> Iterator[World]:
    """Yield a host with everyone in the tables, and the credentials of these callers.

    Unless `with_public`, all repositories are private.
    """
    scopes = [CREDENTIALS[how]["scopes"].split() for how in ("jwt", "jwt-too-little")]
    with (
        pytest.MonkeyPatch.context() as patch,
        recording_app(scopes=scopes[0]) as app,
        recording_app(scopes=scopes[1]) as small_app,
    ):
        # Hundreds of tokens that do not work come from this address.
        patch.setattr(guesses, "MOST_OF_PAIR", 1_000_000)
        patch.setattr(guesses, "MOST_OF_ONE", 1_000_000)
        with live_host(folder, **settings) as host, closing(World(host)) as made:
            host.work(lambda opened: _make_people(opened, made))
            host.work(lambda opened: _make_credentials(opened, made, {("owner", "token"), *callers}))
            for key, name in NAMES.items():
                _make_project(made, PROJECTS[key], name, key)
                is_private = key == "private" or not with_public
                _make_repository(made, REPOSITORIES[key], key, is_private=is_private)
            host.work(_make_former_people)
            for caller, (slug, of) in ((one, _TOKENS[one[0]]) for one in callers if is_token(one[0])):
                host.work(partial(_make_token, world=made, caller=caller, slug=slug, of=of))
            _make_apps(made, app, small_app, callers)
            yield made


_PEOPLE = [who for who in CALLERS if who not in ("operator", "nobody") and not (who.startswith("app") or is_token(who))]
_GRANTED = {
    "bystander": "read",
    "reader": "read",
    "writer": "write",
    "creator": "create-repo",
    "admin": "admin",
    "higher-by-group": "read",
    "higher-directly": "admin",
    "removed": "write",
}
_GROUPS = {
    "bystanders": (["bystander"], "read"),
    "readers": (["reader-by-group", "higher-directly", "in-two-groups"], "read"),
    "writers": (["writer-by-group", "removed"], "write"),
    "creators": (["creator-by-group", "in-two-groups"], "create-repo"),
    "admins": (["admin-by-group", "higher-by-group"], "admin"),
}


async def _make_people(host: Host, world: World) -> None:
    for name in (*_PEOPLE, "bystander"):
        world.accounts[name] = await users.create_user(host, name, email=f"{name}@acme.example")
    world.accounts["operator"] = await host.find_operator()
    acme = await workspaces.create_workspace(host, "acme", name="Hidden Acme", owner="owner")
    world.workspace_uuid = acme.uuid
    await workspaces.create_workspace(host, "elsewhere", name=None, owner="stranger")
    for name in (*_PEOPLE, "bystander"):
        if name not in _OWNERS:
            roles = {"collaborator": "collaborator", "deactivated": "owner"}
            await workspaces.add_member(host, "acme", name, roles.get(name, "member"))  # type: ignore[arg-type]
    for slug, (members, _) in _GROUPS.items():
        await groups.create_group(host, "acme", slug.title(), members)


async def _make_former_people(host: Host) -> None:
    await workspaces.remove_member(host, "acme", "removed")
    await users.deactivate_user(host, "deactivated")


def _make_project(world: World, key: str, name: str, kind: str) -> None:
    below = f"/2.0/workspaces/acme/projects/{key}"
    body = {"name": name, "description": "Text", "is_private": kind == "private"}
    world.owner("PUT", below, body)

    def is_granted(privilege: str) -> bool:
        return privilege == "admin" or name in NAMES.values()  # those who may delete a throw-away project

    for holder, privilege in _GRANTED.items():
        if holder == "bystander" or (kind == "private" and is_granted(privilege)):
            user = quote(world.accounts[holder].uuid, safe="")
            world.owner("PUT", f"{below}/permissions-config/users/{user}", {"permission": privilege})
    for group, (_, privilege) in _GROUPS.items():
        if group == "bystanders" or (kind == "private" and is_granted(privilege)):
            world.owner("PUT", f"{below}/permissions-config/groups/{group}", {"permission": privilege})
    world.owner("PUT", f"{below}/default-reviewers/{quote(world.accounts['bystander'].uuid, safe='')}")


def _make_repository(world: World, slug: str, project: str, *, is_private: bool) -> None:
    below = f"/2.0/repositories/acme/{slug}"
    key = PROJECTS[project]
    world.owner("PUT", below, {"description": "Text", "is_private": is_private, "project": {"key": key}})
    user = quote(world.accounts["bystander"].uuid, safe="")
    for holder in (f"users/{user}", "groups/bystanders"):
        world.owner("PUT", f"{below}/permissions-config/{holder}", {"permission": "read"})


# Credentials


async def _make_credentials(host: Host, world: World, callers: Collection[Caller]) -> None:
    made = {slug: await _consumer(host, slug) for slug in ("acme", "elsewhere")}
    for who, how in sorted(callers):
        if who in world.accounts:
            world.authorizations[who, how] = await _authorization(host, world.accounts[who], who, how, made)
    world.authorizations["nobody", "invented"] = "Bearer rst_invented"


async def _consumer(host: Host, slug: str) -> Consumer:
    return (await consumers.create_consumer(host, slug, "All", callback_url="https://app.example/", scopes=None))[0]


async def _authorization(host: Host, user: User, who: str, how: str, made: Mapping[str, Consumer]) -> str:
    scopes: Any = CREDENTIALS[how].get("scopes")
    if how.startswith("oauth"):
        return f"Bearer {await _consented(host, user, made['acme'], scopes)}"
    if how.startswith("client"):
        consumer = made["acme" if who == "owner" else "elsewhere"]
        return f"Bearer {(await grants.act_as_owner(host, consumer, scopes)).access_token}"
    if how == "session":
        code = (await credentials.sign_in_link(host, user_id=user.id)).partition("code=")[2]
        return str(await credentials.sign_in(host, code))
    token, _ = await credentials.create_api_token(host, how, None, user_id=user.id, scopes=scopes)
    names = {"basic-name": user.username, "basic-email": f"{who}@acme.example", "basic-of-another": "bystander"}
    if how in names:
        return "Basic " + base64.b64encode(f"{names[how]}:{token}".encode()).decode()
    return f"Bearer {token}"


async def _consented(host: Host, user: User, consumer: Consumer, scopes: str) -> str:
    asked = grants.read_asked(consumer, {"response_type": "code", "scope": scopes})
    code = await grants.consent(host, user, asked)
    return (await grants.redeem(host, consumer, code, redirect_uri=None, verifier=None)).access_token


async def _make_token(host: Host, world: World, caller: Caller, slug: str, of: str | None) -> None:
    scopes = CREDENTIALS[caller[1]].get("scopes")
    if caller[0].startswith("repository"):
        token, _ = await create_access_token(host, caller[1], slug, None, repository=of, scopes=scopes, lifetime=None)
    else:
        token, _ = await create_access_token(host, caller[1], slug, of, scopes=scopes, lifetime=None)
    basic = base64.b64encode(f"bystander:{token}".encode()).decode()
    world.authorizations[caller] = f"Basic {basic}" if caller[1].endswith("password") else f"Bearer {token}"


def _make_apps(world: World, app: RecordingApp, small_app: RecordingApp, callers: Collection[Caller]) -> None:
    for who, workspace in (("app", "acme"), ("app-elsewhere", "elsewhere")):
        if who in {name for name, _ in callers}:
            for how, one in (("jwt", app), ("jwt-too-little", small_app)):
                world.apps[f"{who} {how}"] = AppClient(world.host.url, world.host.install(one, workspace))
            world.host.work(partial(_exchange, world=world, who=who))


async def _exchange(host: Host, world: World, who: str) -> None:
    installation = world.apps[f"{who} jwt"].installation.id
    repository = "{8f3a1c52-6a0d-4c0e-9a59-2b3f6d0d1111}"
    for how in ("exchanged", "exchanged-too-little", "exchanged-for-repository"):
        scopes = CREDENTIALS[how]["scopes"].split()
        narrowed = repository if how.endswith("repository") else None
        token, _ = await credentials.exchange(host, installation, scopes=scopes, repository=narrowed)
        world.authorizations[who, how] = f"Bearer {token}"
