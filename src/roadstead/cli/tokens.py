"""Credentials: sign-in links for the pages, tokens of users, workspaces, projects and repositories for the API."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from roadstead.cli.declared import Argument, Option, WrongUsage
from roadstead.cli.options import AsJson, Data, DatabaseUrl, Scopes, read_settings, split
from roadstead.cli.output import print_json, print_list, tell
from roadstead.cli.state import mention_absent_host, on_host
from roadstead.cli.tables import Row

if TYPE_CHECKING:
    from roadstead.domain.host import Host
    from roadstead.model import ListedToken


OfUser = Annotated[
    str | None, Option("--user", metavar="USER", help="Whose: a user name or an e-mail address. Default: operator.")
]


def sign_in(user: OfUser = None, data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Print a link that signs you in at the pages.

    It works once, within 12 hours.
    """
    from roadstead.domain.access import credentials

    async def make(host: "Host") -> tuple[str, str]:
        return await credentials.sign_in_link(host, user_id=await _id_of(host, user)), host.base_url

    settings = read_settings(data=data, database_url=database_url)
    link, base_url = on_host(settings, make)
    if as_json:
        print_json({"url": link})
    else:
        print(link)
    mention_absent_host(settings, base_url)


def token_create(
    name: Annotated[str, Argument(metavar="NAME", help="A name that tells it from others in the list.")],
    user: OfUser = None,
    workspace: Annotated[
        str | None, Option("--workspace", metavar="SLUG", help="Make an access token of this workspace.")
    ] = None,
    project: Annotated[
        str | None, Option("--project", metavar="WORKSPACE/KEY", help="Make an access token of this project.")
    ] = None,
    repository: Annotated[
        str | None, Option("--repository", metavar="WORKSPACE/SLUG", help="Make an access token of this repository.")
    ] = None,
    scopes: Scopes = None,
    expires_in: Annotated[
        int | None,
        Option("--expires-in", metavar="DAYS", between=(1, 3650), help="Default: it never expires."),
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Create a user's token, or an access token.

    It is sent as a Bearer token, and printed only once. An access token, of a workspace, a project or a
    repository, acts as an account of its own with the name NAME, and sees nothing else.
    """
    from roadstead.domain.access import access_tokens

    _expect_one_owner(user, workspace, project, repository)
    lifetime = timedelta(days=expires_in) if expires_in else None

    async def make(host: "Host") -> "tuple[str, ListedToken]":
        slug, key, below = workspace, None, None
        if project is not None:
            slug, key = split(project, "a project", "WORKSPACE/KEY")
        if repository is not None:
            slug, below = split(repository, "a repository", "WORKSPACE/SLUG")
        if slug is None:
            return await _make_api_token(host, name, user, scopes, lifetime)
        return await access_tokens.create_access_token(
            host, name, slug, key, repository=below, scopes=scopes, lifetime=lifetime
        )

    secret, made = on_host(read_settings(data=data, database_url=database_url), make)
    if as_json:
        print_json({**_as_data(made), "token": secret})
    else:
        print(secret)
        tell("Store the token now: it is not shown again. Send it as: Authorization: Bearer <token>")


def _expect_one_owner(*owners: str | None) -> None:
    """Raise `WrongUsage` if more than one owner is given."""
    if sum(one is not None for one in owners) > 1:
        raise WrongUsage("--user, --workspace, --project, --repository", "A token belongs to one owner.")


async def _make_api_token(
    host: "Host", name: str, user: str | None, scopes: str | None, lifetime: timedelta | None
) -> "tuple[str, ListedToken]":
    from roadstead.domain.access import credentials
    from roadstead.model import ListedToken

    user_id = await _id_of(host, user)
    secret, made = await credentials.create_api_token(host, name, lifetime, user_id=user_id, scopes=scopes)
    return secret, ListedToken(made, None, None, None)


def token_list(data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List all tokens."""
    from roadstead.domain.access import credentials

    found = on_host(read_settings(data=data, database_url=database_url), credentials.list_api_tokens)
    headings = ("ID", "NAME", "OF", "SCOPES", "CREATED", "EXPIRES", "LAST USED")
    nothing = "There are no tokens. Create one with: roadstead token-create NAME"
    print_list(found, headings, _row, _as_data, nothing, as_json=as_json)


def token_revoke(
    token_id: Annotated[
        int, Argument(metavar="ID", between=(1, 2**63 - 1), help="Its number in roadstead token-list.")
    ],
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a token at once."""
    from roadstead.domain.access import credentials

    settings = read_settings(data=data, database_url=database_url)
    on_host(settings, lambda host: credentials.revoke_api_token(host, token_id))
    if as_json:
        print_json({"id": token_id})
    else:
        tell(f"Token {token_id} is revoked.")


async def _id_of(host: "Host", name: str | None) -> int:
    """Return the id of a user, or of the operator. Raise `UserNotFound`."""
    from roadstead.domain.people import users
    from roadstead.model import OPERATOR_ID

    return OPERATOR_ID if name is None else (await users.find_user(host, name)).id


def _row(listed: "ListedToken") -> Row:
    token = listed.token
    scopes = "all" if token.scopes is None else " ".join(token.scopes)
    owner = "/".join(name for name in (listed.workspace, listed.project, listed.repository) if name)
    return Row(
        (
            token.id,
            token.name,
            owner or token.user.username,
            scopes,
            token.created_on,
            token.expires_on or "never",
            token.last_used_on or "never",
        )
    )


def _as_data(listed: "ListedToken") -> dict[str, Any]:
    token = listed.token
    return {
        "id": token.id,
        "name": token.name,
        "user": token.user.username if token.owner is None else None,
        "workspace": listed.workspace,
        "project": listed.project,
        "repository": listed.repository,
        "scopes": None if token.scopes is None else list(token.scopes),
        "created_on": token.created_on.isoformat(),
        "expires_on": token.expires_on.isoformat() if token.expires_on else None,
        "last_used_on": token.last_used_on.isoformat() if token.last_used_on else None,
    }
