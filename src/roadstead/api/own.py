"""What is ours alone, under `/-/`: linkers over any text, health and readiness."""

import asyncio
from typing import Any

from starlette.requests import Request

from roadstead import __version__
from roadstead.api.answers import Answer, json_answer
from roadstead.api.bodies import read_json
from roadstead.domain.host import Host
from roadstead.domain.linking import WorkspaceLinkers
from roadstead.errors import InvalidInput
from roadstead.linkify import Link, Linkified, Unfinished, render_html, render_markdown, render_terminal

RENDERERS = {"html": render_html, "markdown": render_markdown, "terminal": render_terminal}
SHORT_TEXT = 10_000
"""Characters. A longer text is linked in a thread, so that other requests are answered meanwhile."""


async def linkify(request: Request, host: Host, caller: object) -> Answer:
    """`{"text": …, "workspace": "local", "format": "html"}` → the links with their offsets, and the text rendered."""
    text, workspace, form = _parse(await read_json(request))
    linkers: WorkspaceLinkers = request.scope["state"]["linkers"]
    compiled = await linkers.of(workspace)
    result = compiled.linkify(text) if len(text) <= SHORT_TEXT else await asyncio.to_thread(compiled.linkify, text)
    body = linked(result)
    if form != "json":
        body["rendered"] = RENDERERS[form](result)
    return json_answer(body)


async def live(request: Request, host: Host, caller: object) -> Answer:
    """This process answers."""
    return json_answer({"status": "ok", "version": __version__})


async def ready(request: Request, host: Host, caller: object) -> Answer:
    """Requests can be served: the database answers. Raises `StorageUnavailable` otherwise."""
    await host.store.database.read("SELECT name FROM facts LIMIT 1")
    return json_answer({"status": "ok"})


def linked(result: Linkified) -> dict[str, Any]:
    """The links of a text as data. Offsets are those of the string, in characters."""
    return {
        "text": result.text,
        "links": [_link(link) for link in result.links],
        "unfinished": [_limit(one) for one in result.unfinished],
    }


def _limit(limit: Unfinished) -> dict[str, Any]:
    """A limit of a linker, or of the text as a whole."""
    return {
        "linker": limit.linker.key if limit.linker else None,
        "app": limit.linker.app_key if limit.linker else None,
        "reason": limit.reason,
    }


def _link(link: Link) -> dict[str, Any]:
    return {
        "start": link.start,
        "end": link.end,
        "text": link.text,
        "url": link.url,
        "linker": link.linker.key if link.linker else None,
        "app": link.linker.app_key if link.linker else None,
    }


def _parse(body: object) -> tuple[str, str, str]:
    if not isinstance(body, dict) or not isinstance(body.get("text"), str):
        raise InvalidInput(
            "The body must give the text.", 'Send {"text": "fixes BB-1234"}.', fields={"text": ["Required."]}
        )
    text, workspace, form = body["text"], body.get("workspace", "local"), body.get("format", "html")
    if not isinstance(workspace, str):
        raise InvalidInput("workspace must be a string.", fields={"workspace": ["Not a string."]})
    if form not in (*RENDERERS, "json"):
        raise InvalidInput(f"There is no format {form!r}.", f"Choose one of: {', '.join((*RENDERERS, 'json'))}.")
    return text, workspace, form
