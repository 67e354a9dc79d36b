"""`roadstead consumer`: OAuth consumers of workspaces."""

from typing import TYPE_CHECKING, Annotated, Any

from roadstead.cli.declared import Argument, Option
from roadstead.cli.options import AsJson, Data, DatabaseUrl, InWorkspace, Scopes, read_settings
from roadstead.cli.output import print_json, print_list, tell
from roadstead.cli.state import on_host
from roadstead.cli.tables import Row

if TYPE_CHECKING:
    from roadstead.model import Consumer

HELP = "Create, list or delete OAuth consumers."


def create(
    slug: InWorkspace,
    name: Annotated[str, Argument(metavar="NAME", help="The name that users see when it asks for access.")],
    callback: Annotated[str, Option("--callback", metavar="URL", help="Where users are sent with the outcome.")],
    scopes: Scopes = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Create an OAuth consumer of a workspace.

    Its secret is printed only once.
    """
    from roadstead.domain.access import consumers

    made, secret = on_host(
        read_settings(data=data, database_url=database_url),
        lambda host: consumers.create_consumer(host, slug, name, callback_url=callback, scopes=scopes),
    )
    if as_json:
        print_json({**_as_data(made), "secret": secret})
        return
    print(f"key     {made.key}\nsecret  {secret}")
    tell("Store the secret now: it is not shown again.")


def list_consumers(
    slug: InWorkspace, data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """List the OAuth consumers of a workspace."""
    from roadstead.domain.access import consumers

    settings = read_settings(data=data, database_url=database_url)
    found = on_host(settings, lambda host: consumers.list_consumers(host, slug))
    headings = ("KEY", "NAME", "OWNER", "SCOPES", "CALLBACK", "CREATED")
    nothing = "There are no consumers. Create one with: roadstead consumer create WORKSPACE NAME --callback URL"
    print_list(found, headings, _row, _as_data, nothing, as_json=as_json)


def _row(one: "Consumer") -> Row:
    return Row((one.key, one.name, one.owner.username, " ".join(one.scopes), one.callback_url, one.created_on))


def delete(
    slug: InWorkspace,
    key: Annotated[str, Argument(metavar="KEY", help="Its key in roadstead consumer list.")],
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Delete an OAuth consumer, and end its tokens at once."""
    from roadstead.domain.access import consumers

    settings = read_settings(data=data, database_url=database_url)
    on_host(settings, lambda host: consumers.delete_consumer(host, slug, key))
    if as_json:
        print_json({"key": key})
    else:
        tell(f"The consumer {key} is deleted.")


def _as_data(consumer: "Consumer") -> dict[str, Any]:
    return {
        "key": consumer.key,
        "name": consumer.name,
        "workspace": consumer.workspace.slug,
        "owner": consumer.owner.username,
        "callback": consumer.callback_url,
        "scopes": list(consumer.scopes),
        "created_on": consumer.created_on.isoformat(),
    }
