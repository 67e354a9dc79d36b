"""The yardstick: the first example of Starlette's documentation, on the server that Roadstead runs on.

It is uvicorn's own, without what our connections add to it (limits, ids of requests), which would make it slower.
"""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from roadstead.server.listening import listen


async def homepage(request: Request) -> JSONResponse:
    return JSONResponse({"hello": "world"})


def main(port: int) -> None:
    app = Starlette(routes=[Route("/", homepage)])
    config = uvicorn.Config(app, http="httptools", access_log=False, server_header=False, proxy_headers=False)
    uvicorn.Server(config).run(sockets=[listen("127.0.0.1", port)])


if __name__ == "__main__":
    main(int(sys.argv[1]))
