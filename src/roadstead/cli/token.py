"""`roadstead token`: sign a request as an installed app."""

from typing import TYPE_CHECKING, Annotated

from roadstead.cli.apps import AppKey
from roadstead.cli.declared import Argument
from roadstead.cli.options import AnyWorkspace, AsJson, Data, DatabaseUrl, read_settings
from roadstead.cli.output import print_json, tell
from roadstead.cli.state import mention_absent_host, on_host

if TYPE_CHECKING:
    from roadstead.domain.host import Host


def token(
    app_key: AppKey,
    method: Annotated[str, Argument(metavar="METHOD", help="GET, PUT, POST, DELETE …")],
    path: Annotated[
        str,
        Argument(metavar="PATH", help="As it will be sent, with its query: /2.0/addon/linkers?page=2"),
    ],
    workspace: AnyWorkspace = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Sign one request as an installed app.

    Prints an Authorization header that is valid for an hour, and on stderr the canonical request that was hashed. For
    example: curl -H "$(roadstead token my-app GET /2.0/addon/linkers)" http://localhost:7990/2.0/addon/linkers
    """
    from roadstead.domain.access.diagnosis import check_request

    check_request(method, path)
    settings = read_settings(data=data, database_url=database_url)
    signed = on_host(settings, lambda host: _sign(host, app_key, workspace, method, path))
    if as_json:
        print_json(signed)
    else:
        print(signed["header"])
        tell(f"Canonical request: {signed['canonical_request']}")


async def _sign(host: "Host", app_key: str, workspace: str | None, method: str, target: str) -> dict[str, str]:
    from roadstead.connect import canonical_request, issue
    from roadstead.domain.apps.installations import get_app

    installation = await get_app(host, app_key, workspace)
    mention_absent_host(host.settings, host.base_url)
    path, _, query = target.partition("?")
    canonical = canonical_request(method, path, query)
    token = issue(
        issuer=installation.app_key,
        subject=installation.client_key,
        now=host.clock(),
        shared_secret=installation.shared_secret,
        canonical=canonical,
    )
    return {
        "header": f"Authorization: JWT {token}",
        "token": token,
        "canonical_request": canonical,
        "url": f"{host.base_url}{target}",
    }
