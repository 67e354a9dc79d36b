"""Credentials of users: sign-in links for the pages, tokens for the API."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from roadstead.cli.declared import Argument, Option
from roadstead.cli.options import AsJson, Data, DatabaseUrl, Scopes, read_settings
from roadstead.cli.output import print_json, print_table, tell
from roadstead.cli.state import mention_absent_host, on_host
from roadstead.cli.tables import Row

if TYPE_CHECKING:
    from roadstead.domain.host import Host
    from roadstead.model import ApiToken


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
    scopes: Scopes = None,
    expires_in: Annotated[
        int | None,
        Option("--expires-in", metavar="DAYS", between=(1, 3650), help="Default: it never expires."),
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Create a user's token for the API.

    It is sent as a Bearer token, and printed only once.
    """
    from roadstead.domain.access import credentials

    lifetime = timedelta(days=expires_in) if expires_in else None

    async def make(host: "Host") -> "tuple[str, ApiToken]":
        user_id = await _id_of(host, user)
        return await credentials.create_api_token(host, name, lifetime, user_id=user_id, scopes=scopes)

    secret, made = on_host(read_settings(data=data, database_url=database_url), make)
    if as_json:
        print_json({**_as_data(made), "token": secret})
    else:
        print(secret)
        tell("Store the token now: it is not shown again. Send it as: Authorization: Bearer <token>")


def token_list(data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List the tokens of all users."""
    from roadstead.domain.access import credentials

    found = on_host(read_settings(data=data, database_url=database_url), credentials.list_api_tokens)
    if as_json:
        print_json([_as_data(token) for token in found])
    elif found:
        print_table(("ID", "NAME", "USER", "SCOPES", "CREATED", "EXPIRES", "LAST USED"), map(_row, found))
    else:
        tell("There are no tokens. Create one with: roadstead token-create NAME")


def token_revoke(
    token_id: Annotated[
        int, Argument(metavar="ID", between=(1, 2**63 - 1), help="Its number in roadstead token-list.")
    ],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Revoke a token at once."""
    from roadstead.domain.access import credentials

    settings = read_settings(data=data, database_url=database_url)
    on_host(settings, lambda host: credentials.revoke_api_token(host, token_id))
    tell(f"Token {token_id} is revoked.")


async def _id_of(host: "Host", name: str | None) -> int:
    """Return the id of a user, or of the operator. Raise `UserNotFound`."""
    from roadstead.domain.people import users
    from roadstead.model import OPERATOR_ID

    return OPERATOR_ID if name is None else (await users.find_user(host, name)).id


def _row(token: "ApiToken") -> Row:
    scopes = "all" if token.scopes is None else " ".join(token.scopes)
    return Row(
        (
            token.id,
            token.name,
            token.user.username,
            scopes,
            token.created_on,
            token.expires_on or "never",
            token.last_used_on or "never",
        )
    )


def _as_data(token: "ApiToken") -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "user": token.user.username,
        "scopes": None if token.scopes is None else list(token.scopes),
        "created_on": token.created_on.isoformat(),
        "expires_on": token.expires_on.isoformat() if token.expires_on else None,
        "last_used_on": token.last_used_on.isoformat() if token.last_used_on else None,
    }
