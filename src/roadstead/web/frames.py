"""`/atlassian-connect/all.js`, and `/-/apps/…/frame/…`: requests of an app's framed page, posted by our surrounding
page.

Every error is an answer of the API's kind, never a page: the app may receive it, and a page of ours contains the token
that forms prove their origin with.
"""

import json
import re
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.responses import JSONResponse, Response

from roadstead.api import on_behalf
from roadstead.api.errors import error_body, status_of
from roadstead.connect.proxy import METHODS as PROXY_METHODS
from roadstead.domain.apps import frames
from roadstead.domain.apps.frames import ProxiedCall
from roadstead.errors import RoadsteadError
from roadstead.model import Installation
from roadstead.web.apps import app_of
from roadstead.web.page import Handler, Visit, require, script

LONGEST_TARGET = 8_000
"""Characters of path and query."""
_HEADERS = {"accept": "Accept", "content_type": "Content-Type"}
"""By the field of the form: no other headers can be set."""

_Answers = Callable[[Visit, Installation, dict[str, str]], Awaitable[dict[str, object]]]


async def all_js(visit: Visit) -> Response:
    """Return the script with `AP`, for the pages of all apps."""
    return script("all.js")


def _for_frame(answers: _Answers) -> Handler:
    """Return a handler that answers a page's form with an object for the frame."""

    async def handle(visit: Visit) -> Response:
        try:
            form = await visit.form()
            app = await app_of(visit)
        except RoadsteadError as exc:
            return JSONResponse(error_body(exc), status_of(exc))
        try:
            return JSONResponse(await answers(visit, app, form))
        except RoadsteadError as exc:
            return JSONResponse({"status": status_of(exc), "headers": {}, "body": json.dumps(error_body(exc))})

    return handle


async def _request(visit: Visit, app: Installation, form: dict[str, str]) -> dict[str, object]:
    target, method = _target(form.get("url", ""), visit.host.base_url), form.get("method", "GET").upper()
    answered = await on_behalf.request(
        visit.request.scope,
        visit.host,
        frames.viewer_of(app, visit.viewer),
        method,
        target,
        headers={name.lower(): value for name, value in _headers(form).items()},
        body=form.get("body", "").encode(),
    )
    return {"status": answered.status, "headers": answered.headers, "body": answered.body.decode("utf-8", "replace")}


async def _proxy(visit: Visit, app: Installation, form: dict[str, str]) -> dict[str, object]:
    method = form.get("method", "GET").upper()
    require(method in PROXY_METHODS, "The proxy does not forward that.", f"Use {', '.join(PROXY_METHODS)}.")
    call = ProxiedCall(
        method=method,
        target=_target(form.get("url", ""), ""),
        headers=_headers(form),
        body=form.get("body", "").encode(),
    )
    answer = await frames.forward(visit.host, app, visit.viewer, call, dict(parse_qsl(form.get("context", ""))))
    return {"status": answer.status, "headers": dict(answer.headers), "body": answer.text}


async def _token(visit: Visit, app: Installation, form: dict[str, str]) -> dict[str, object]:
    return {"token": frames.page_token(visit.host, app, visit.viewer)}


def _target(url: str, base_url: str) -> str:
    """Return path and query as HTTP writes them. Links in our answers begin with our base URL, and may be followed."""
    target = url.removeprefix(base_url) if url.startswith(f"{base_url}/") else url
    require(len(target) <= LONGEST_TARGET, "The address is too long.", f"At most {LONGEST_TARGET} characters.")
    require(
        re.fullmatch(r"/[!-\"$-~]*", target) is not None,
        "The address is not a path of this host.",
        "Begin it with /, and percent-encode characters beyond ASCII: /2.0/user",
    )
    return target


def _headers(form: dict[str, str]) -> dict[str, str]:
    headers = {header: form[name] for name, header in _HEADERS.items() if form.get(name)}
    for name, value in headers.items():
        require(
            re.fullmatch(r"[ -~]{1,200}", value) is not None, f"{name} is not a header's value.", "Write it in ASCII."
        )
    return headers


request = _for_frame(_request)
proxy = _for_frame(_proxy)
token = _for_frame(_token)
