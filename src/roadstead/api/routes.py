"""The whole map of the API. The lines are tried from top to bottom, so the busiest stand first.

Every operation names its rule (who may), its handler (what happens), and what it answers and takes.
"""

import re
from urllib.parse import unquote

from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from roadstead.api import openapi
from roadstead.api.auth import account_reader, anyone, app_jwt, operator, operator_or_local
from roadstead.api.pages import Filtered, Numbered, Page, Partial
from roadstead.api.resource import Operation, Resource
from roadstead.api.resources import LinkerResource, LinkerValueResource, NewValue, NewValues, Update, Value
from roadstead.bitbucket import accounts
from roadstead.bitbucket.addon import operations as addon
from roadstead.bitbucket.linkers import operations as linkers
from roadstead.bitbucket.oauth import operations as oauth
from roadstead.control import audit, debug_jwt, linkify, metrics, requests
from roadstead.outbound.lifecycle import Principal


def _resource(path: str, **operations: Operation) -> Route:
    """What is ours alone is not recorded: it tells nothing of apps, and is asked for by what watches the record."""
    return Route(path, Resource(path, recorded=not path.startswith("/-/"), **operations))


ROUTES = [
    _resource(
        "/2.0/addon/linkers/{linker_key}/values/{value_id}",
        GET=Operation(app_jwt, linkers.get_value, {200: LinkerValueResource}, query=Partial),
        DELETE=Operation(app_jwt, linkers.delete_value, {204: None}),
    ),
    _resource(
        "/2.0/addon/linkers/{linker_key}/values",
        GET=Operation(app_jwt, linkers.list_values, {200: Page[LinkerValueResource]}, query=Filtered),
        POST=Operation(app_jwt, linkers.add_value, {201: LinkerValueResource}, takes=NewValue, refuses=(409,)),
        PUT=Operation(app_jwt, linkers.replace_values, {204: None}, takes=NewValues | list[Value | NewValue]),
        DELETE=Operation(app_jwt, linkers.delete_values, {204: None}),
    ),
    _resource(
        "/2.0/addon/linkers/{linker_key}",
        GET=Operation(app_jwt, linkers.get_linker, {200: LinkerResource}, query=Partial),
    ),
    _resource(
        "/2.0/addon/linkers",
        GET=Operation(app_jwt, linkers.list_linkers, {200: Page[LinkerResource]}, query=Filtered),
    ),
    _resource(
        "/2.0/addon",
        PUT=Operation(app_jwt, addon.update, {204: None}, takes=Update | None, refuses=(404,)),
        DELETE=Operation(app_jwt, addon.delete, {204: None}),
    ),
    _resource(
        "/2.0/user",
        GET=Operation(account_reader, accounts.current_user, {200: (Principal, accounts.Operator)}),
    ),
    _resource(
        "/2.0/workspaces/{workspace}",
        GET=Operation(account_reader, accounts.get_workspace, {200: accounts.WorkspaceResource}),
    ),
    _resource(
        "/site/oauth2/access_token",
        POST=Operation(
            anyone,
            oauth.access_token,
            {200: oauth.AccessTokenResource, 400: oauth.OAuthRefusal, 401: oauth.OAuthRefusal},
            takes=oauth.TokenRequest,
            refuses=(429,),
        ),
    ),
    _resource(
        "/-/linkify",
        POST=Operation(
            operator_or_local, linkify.linkify, {200: linkify.LinkedText}, takes=linkify.Text, refuses=(404,)
        ),
    ),
    _resource(
        "/-/linkers",
        GET=Operation(
            operator,
            linkify.list_linkers,
            {200: Page[linkify.LinkerRecord]},
            query=linkify.WorkspaceQuery,
            refuses=(404,),
        ),
    ),
    _resource(
        "/-/audit", GET=Operation(operator, audit.list_entries, {200: Page[audit.AuditEntryResource]}, query=Numbered)
    ),
    _resource(
        "/-/debug-jwt",
        POST=Operation(
            operator, debug_jwt.debug_jwt, {200: debug_jwt.DiagnosisResource}, takes=debug_jwt.PresentedToken
        ),
    ),
    _resource(
        "/-/requests",
        GET=Operation(
            operator, requests.list_requests, {200: Page[requests.RequestSummary]}, query=requests.RequestQuery
        ),
    ),
    _resource(
        "/-/requests/{request_id}",
        GET=Operation(operator, requests.get_request, {200: requests.ExplainedRequest}, query=Partial),
    ),
    _resource("/-/health/live", GET=Operation(anyone, linkify.live, {200: linkify.Health})),
    _resource("/-/health/ready", GET=Operation(anyone, linkify.ready, {200: linkify.Health}, refuses=(503,))),
    _resource("/-/metrics", GET=Operation(operator, metrics.expose, {200: str})),
    _resource("/-/openapi.json", GET=Operation(anyone, openapi.describe, {200: openapi.Document})),
]

_BY_PATH = [(route.path_regex, route.app) for route in ROUTES]
_ENCODED_SLASH = re.compile("%2f", re.IGNORECASE)
_SLASH = "\ud82f"
"""Stands for an encoded slash while a path is compared: half a surrogate pair, which no decoding of a path gives."""


def find_resource(scope: Scope) -> ASGIApp | None:
    """The resource a request is for; the names in its address are put into the request's scope.

    `…/values/` is served as `…/values`, without a redirect: clients send both, and a redirect breaks a signed call.
    `raw_path` stays as it was sent, since the token's hash is over that. `%2F` is a character of a name, as in the
    links that we give, and parts nothing.
    """
    path = scope["path"]
    if b"%2" in scope["raw_path"]:
        path = unquote(_ENCODED_SLASH.sub(_SLASH, scope["raw_path"].decode("latin-1")))
        scope["path"] = path.replace(_SLASH, "%2F")
    if path.endswith("/") and path != "/":
        path = path[:-1]
        scope["path"] = scope["path"][:-1]
    for pattern, resource in _BY_PATH:
        found = pattern.match(path)
        if found is not None:
            scope["path_params"] = {name: text.replace(_SLASH, "/") for name, text in found.groupdict().items()}
            return resource
    return None
