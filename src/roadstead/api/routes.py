"""The whole map of the API. The lines are tried from top to bottom, so the busiest stand first.

Every operation names its rule (who may) and its handler (what happens).
"""

from starlette.routing import Route

from roadstead.api import accounts, addon, audit, linkers, oauth, own
from roadstead.api.auth import account_reader, anyone, app_jwt, operator, operator_or_local
from roadstead.api.resource import Operation, Resource


def _resource(path: str, **operations: Operation) -> Route:
    return Route(path, Resource(**operations))


ROUTES = [
    _resource(
        "/2.0/addon/linkers/{linker_key}/values/{value_id}",
        GET=Operation(app_jwt, linkers.get_value),
        DELETE=Operation(app_jwt, linkers.delete_value),
    ),
    _resource(
        "/2.0/addon/linkers/{linker_key}/values",
        GET=Operation(app_jwt, linkers.list_values),
        POST=Operation(app_jwt, linkers.add_value),
        PUT=Operation(app_jwt, linkers.replace_values),
        DELETE=Operation(app_jwt, linkers.delete_values),
    ),
    _resource("/2.0/addon/linkers/{linker_key}", GET=Operation(app_jwt, linkers.get_linker)),
    _resource("/2.0/addon/linkers", GET=Operation(app_jwt, linkers.list_linkers)),
    _resource("/2.0/addon", PUT=Operation(app_jwt, addon.update), DELETE=Operation(app_jwt, addon.delete)),
    _resource("/2.0/user", GET=Operation(account_reader, accounts.current_user)),
    _resource("/2.0/workspaces/{workspace}", GET=Operation(account_reader, accounts.get_workspace)),
    _resource("/site/oauth2/access_token", POST=Operation(anyone, oauth.access_token)),
    _resource("/-/linkify", POST=Operation(operator_or_local, own.linkify)),
    _resource("/-/linkers", GET=Operation(operator, own.list_linkers)),
    _resource("/-/audit", GET=Operation(operator, audit.list_entries)),
    _resource("/-/health/live", GET=Operation(anyone, own.live)),
    _resource("/-/health/ready", GET=Operation(anyone, own.ready)),
]
