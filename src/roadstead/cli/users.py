"""`roadstead user`: the people of the host."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from roadstead.cli.declared import Argument, Option, WrongUsage
from roadstead.cli.options import AsJson, Data, DatabaseUrl, KnownUser, read_role, read_settings
from roadstead.cli.output import print_facts, print_json, print_table, tell
from roadstead.cli.state import on_host
from roadstead.cli.tables import Row

if TYPE_CHECKING:
    from roadstead.accounts import Invitation
    from roadstead.domain.host import Host
    from roadstead.model import User

HELP = "Create, invite, list, show or deactivate users."

Name = Annotated[str, Argument(metavar="NAME", help="The user name.")]


def create(
    name: Name,
    display_name: Annotated[
        str | None, Option("--display-name", metavar="TEXT", help="The name that others see. Default: NAME.")
    ] = None,
    email: Annotated[str | None, Option("--email", metavar="ADDRESS", help="The primary e-mail address.")] = None,
    with_token: Annotated[bool, Option("--token", help="Also create an API token with all scopes.")] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Create a user."""
    from roadstead.domain.access import credentials
    from roadstead.domain.people import users

    async def make(host: "Host") -> "tuple[User, str | None, str | None]":
        token = None
        if with_token:
            user, token = await credentials.create_user_with_token(host, name, display_name=display_name, email=email)
        else:
            user = await users.create_user(host, name, display_name=display_name, email=email)
        return *await _with_email(host, user), token

    user, address, token = on_host(read_settings(data=data, database_url=database_url), make)
    if as_json:
        print_json(_identity(user, address) | ({"token": token} if token else {}))
        return
    tell(f"Created the user {user.username}, {user.uuid}.")
    if token:
        print(token)
        tell("Store the token now: it is not shown again. Send it as: Authorization: Bearer <token>")


def list_users(data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List the users by their names."""
    found = on_host(read_settings(data=data, database_url=database_url), _all)
    if as_json:
        print_json([_as_data(user, email) for user, email in found])
    else:
        rows = [
            Row((user.username, user.display_name, email or "", _state(user), user.created_on)) for user, email in found
        ]
        print_table(("NAME", "DISPLAY NAME", "E-MAIL", "STATE", "CREATED"), rows)


def show(name: KnownUser, data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Show a user."""
    from roadstead.domain.people import users

    async def find(host: "Host") -> "tuple[User, str | None]":
        return await _with_email(host, await users.find_user(host, name))

    _show(*on_host(read_settings(data=data, database_url=database_url), find), as_json)


def invite(
    name: Annotated[str | None, Argument(metavar="NAME", help="The user name to propose.")] = None,
    email: Annotated[
        str | None, Option("--email", metavar="ADDRESS", help="The e-mail address of the account.")
    ] = None,
    workspace: Annotated[str | None, Option("--workspace", metavar="SLUG", help="Also a workspace to join.")] = None,
    role: Annotated[
        str | None, Option("--role", metavar="owner|collaborator|member", help="The role there. Default: member.")
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Print a link with which a person creates an account.

    It works once, within seven days. Roadstead sends no mail: pass the link on.
    """
    from roadstead.domain.people import invitations

    if role is not None and workspace is None:
        raise WrongUsage("--role", "A role needs a workspace. Name it with --workspace.")
    known = read_role(role or "member")

    async def make(host: "Host") -> "tuple[str, Invitation]":
        return await invitations.invite(host, username=name, email=email, workspace=workspace, role=known)

    link, made = on_host(read_settings(data=data, database_url=database_url), make)
    if as_json:
        print_json(_invitation(link, made))
    else:
        print(link)
        tell(f"Pass the link on: Roadstead sends no mail. It works once, until {made.expires_on:%Y-%m-%d %H:%M} UTC.")


def reset(name: KnownUser, data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Print a link with which a user sets another password.

    The present one and all sessions of the user end. Tokens stay.
    """
    from roadstead.domain.access import passwords

    link = on_host(read_settings(data=data, database_url=database_url), lambda host: passwords.reset(host, name))
    if as_json:
        print_json({"url": link})
    else:
        print(link)


def deactivate(name: KnownUser, data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Deactivate a user, and end all tokens and sessions.

    Commits and comments keep the user's name.
    """
    from roadstead.domain.people import users

    async def end(host: "Host") -> "tuple[User, str | None]":
        return await _with_email(host, await users.deactivate_user(host, name))

    user, email = on_host(read_settings(data=data, database_url=database_url), end)
    if as_json:
        print_json(_as_data(user, email))
    else:
        tell(f"The user {user.username} is deactivated.")


def _invitation(link: str, made: "Invitation") -> dict[str, Any]:
    return {
        "url": link,
        "expires_on": made.expires_on.isoformat(),
        "username": made.username,
        "email": made.email,
        "workspace": None if made.workspace is None else made.workspace.slug,
        "role": made.role,
    }


async def _all(host: "Host") -> "Sequence[tuple[User, str | None]]":
    from roadstead.domain.people import users

    emails = await users.primary_emails(host)
    return [(user, emails.get(user.id)) for user in await users.list_users(host)]


async def _with_email(host: "Host", user: "User") -> "tuple[User, str | None]":
    """Return a user with the primary e-mail address."""
    from roadstead.domain.people import users

    return user, next((one.address for one in await users.list_emails(host, user) if one.is_primary), None)


def _show(user: "User", email: str | None, as_json: bool) -> None:
    if as_json:
        print_json(_as_data(user, email))
    else:
        print_facts(
            (
                ("user name", user.username),
                ("display name", user.display_name),
                ("e-mail", email or "none"),
                ("state", _state(user)),
                ("UUID", user.uuid),
                ("account id", user.account_id),
                ("created", user.created_on),
            )
        )


def _state(user: "User") -> str:
    if not user.is_active:
        return "deactivated"
    return "administrator" if user.is_administrator else "active"


def _identity(user: "User", email: str | None) -> dict[str, Any]:
    return {
        "username": user.username,
        "uuid": user.uuid,
        "account_id": user.account_id,
        "display_name": user.display_name,
        "email": email,
    }


def _as_data(user: "User", email: str | None) -> dict[str, Any]:
    return {
        **_identity(user, email),
        "nickname": user.nickname,
        "active": user.is_active,
        "administrator": user.is_administrator,
        "created_on": user.created_on.isoformat(),
    }
