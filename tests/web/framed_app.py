"""An app whose pages load the host's `all.js` and run scripts that a test puts into their address."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from tests.live import Received, serving

_PAGE = """<!doctype html><title>App</title>
<script src="{host}/atlassian-connect/all.js" data-options="{options}"></script>
<style>body {{ font-family: sans-serif; }}</style>
<div class="{name}" style="height: {height}px"></div><pre id="out"></pre>
<script>
const texts = (values) => values.map((one) => JSON.stringify(one)).join(" ");
const out = (...values) => document.querySelector("#out").append(texts(values) + "\\n");
{script}
</script>"""


@dataclass
class FramedApp:
    """The page at `/NAME` runs `scripts`, where `out(…)` writes. `received` are the requests to `/echo`."""

    host_url: str
    scripts: dict[str, str]
    options: str
    height: int
    base_url: str = ""
    descriptor: dict[str, Any] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    pages: list[Received] = field(default_factory=list)

    @property
    def descriptor_url(self) -> str:
        return f"{self.base_url}/descriptor.json"

    def application(self) -> Starlette:
        async def descriptor(request: Request) -> Response:
            return JSONResponse(self.descriptor)

        async def page(request: Request) -> Response:
            self.pages.append(_received(request, b""))
            name = request.path_params["name"]
            script, options, height = self.scripts[name], self.options, self.height
            return HTMLResponse(
                _PAGE.format(host=self.host_url, name=name, script=script, options=options, height=height)
            )

        async def plain(request: Request) -> Response:
            self.pages.append(_received(request, b""))
            return HTMLResponse("<p>Hello from the app</p>")

        async def echo(request: Request) -> Response:
            self.received.append(_received(request, await request.body()))
            status = int(request.query_params.get("status", "200"))
            return JSONResponse({"echo": str(request.url.path)}, status, headers={"X-From": "app"})

        every = ["GET", "POST", "PUT", "DELETE"]
        return Starlette(
            routes=[
                Route("/descriptor.json", descriptor),
                Route("/page/{name}", page),
                Route("/plain", plain),
                Route("/echo/{more:path}", echo, methods=every),
            ]
        )


def _received(request: Request, body: bytes) -> Received:
    path = f"{request.url.path}?{request.url.query}"
    return Received(request.method, path, dict(request.headers), json.loads(body) if body else None)


@contextlib.contextmanager
def framed_app(
    host_url: str,
    key: str,
    scripts: dict[str, str],
    *,
    options: str = "resize:false",
    height: int = 10,
    **changes: Any,
) -> Iterator[FramedApp]:
    """Run the app: each script is a general page of its name. `changes` replace members of its descriptor.

    Its pages load `all.js` with `options`, and have an element whose class is the page's name, of a `height` in pixels.
    """
    app = FramedApp(host_url, scripts, options, height)
    with serving(app.application()) as base_url:
        app.base_url = base_url
        pages = [
            {"key": name, "name": {"value": name}, "url": f"/page/{name}?repo={{repository.uuid}}", "location": "x"}
            for name in scripts
        ]
        modules = {"generalPages": pages, **changes.pop("modules", {})}
        app.descriptor = {
            "key": key,
            "name": "Framed",
            "baseUrl": base_url,
            "authentication": {"type": "jwt"},
            "scopes": ["account", "repository"],
            "modules": modules,
            **changes,
        }
        yield app
