"""Options that several commands share, and the settings made of them."""

import os
from typing import TYPE_CHECKING, Annotated

from roadstead.cli.colours import Colour
from roadstead.cli.declared import Argument, Option, WrongUsage

if TYPE_CHECKING:
    from roadstead.model import Role
    from roadstead.settings import Settings

Data = Annotated[
    str | None,
    Option(
        "--data",
        metavar="DIR",
        help="Folder that holds the state. Default: the platform's folder for user data. [env var: ROADSTEAD_DATA]",
    ),
]
DatabaseUrl = Annotated[
    str | None,
    Option(
        "--database-url",
        metavar="URL",
        help="postgresql://USER:PASSWORD@HOST:PORT/DATABASE or sqlite:///FILE. Default: roadstead.db in the data "
        "folder. [env var: ROADSTEAD_DATABASE_URL]",
    ),
]
LinkersWithoutValues = Annotated[
    str | None,
    Option(
        "--linkers-without-values",
        metavar="everything|nothing",
        help="What a (?K) linker matches before its first value is stored. Default: everything. "
        "[env var: ROADSTEAD_LINKERS_WITHOUT_VALUES]",
    ),
]
RateLimit = Annotated[
    str | None,
    Option(
        "--rate-limit",
        metavar="N",
        help="Requests an app may make per hour; 0 means any number. Default: 0. [env var: ROADSTEAD_RATE_LIMIT]",
    ),
]
RepositoryLimit = Annotated[
    str | None,
    Option(
        "--repository-limit",
        metavar="GIB",
        help="Gibibytes that a repository may have, with its LFS objects; 0 means any number. Default: 0. "
        "[env var: ROADSTEAD_REPOSITORY_LIMIT]",
    ),
]
Era = Annotated[
    str | None,
    Option(
        "--era",
        metavar="ERA",
        help="Serve what the cloud has removed since: before-2026-04, before-2026-08 or 2026-11. Default: 2026-11. "
        "[env var: ROADSTEAD_ERA]",
    ),
]
SshUrl = Annotated[
    str | None,
    Option(
        "--ssh-url",
        metavar="ssh://USER@HOST[:PORT]",
        help="Where the system's sshd serves git. Default: git is not served over SSH. [env var: ROADSTEAD_SSH_URL]",
    ),
]
AllowTarget = Annotated[
    list[str] | None,
    Option(
        "--allow-target",
        metavar="TARGET",
        help="What may be called though it is not public: 10.0.0.0/8, an address, app.corp, *.corp, localhost:4000. "
        "May be repeated. [env var: ROADSTEAD_ALLOW_TARGET]",
    ),
]
Color = Annotated[
    Colour,
    Option(
        "--color",
        metavar="auto|always|never",
        help="Whether the terminal shows links as links. auto: on a terminal, unless NO_COLOR is set. Default: auto.",
    ),
]
AsJson = Annotated[bool, Option("--json", help="Print one JSON document instead.")]
ShowSecret = Annotated[bool, Option("--show-secret", help="Print the shared secret too.")]
AnyWorkspace = Annotated[
    str | None,
    Option("--workspace", metavar="SLUG", help="Needed only when the app is in several workspaces."),
]
InWorkspace = Annotated[str, Argument(metavar="WORKSPACE", help="The short name of the workspace.")]
KnownUser = Annotated[str, Argument(metavar="NAME", help="The user name, or an e-mail address.")]
Scopes = Annotated[
    str | None, Option("--scopes", metavar="SCOPES", help='As in "repository:write pullrequest". Default: all.')
]

DEFAULT_WORKSPACE = "local"


def read_settings(**options: object) -> "Settings":
    """Return the settings; an option that is not `None` goes first. Raises `InvalidSetting`."""
    from roadstead.settings import Settings

    return Settings.read(options, os.environ)


def split(text: str, what: str, form: str) -> tuple[str, str]:
    """Return a workspace and a name in it, which a slash separates. Raise `WrongUsage`."""
    slug, slash, name = text.partition("/")
    if not (slug and slash and name):
        raise WrongUsage(form, f"{text!r} is not {what}.")
    return slug, name


def read_role(text: str) -> "Role":
    """Return the role of that name in a workspace. Raise `WrongUsage`."""
    from roadstead.model import ROLES

    known = next((one for one in ROLES if one == text), None)
    if known is None:
        raise WrongUsage("--role", f"{text!r} is not one of {', '.join(ROLES)}.")
    return known
