"""The yardstick: the first example of Starlette's documentation, on the server that Roadstead runs on."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from roadstead.cli.listening import configured, listen


async def homepage(request: Request) -> JSONResponse:
    return JSONResponse({"hello": "world"})


def main(port: int) -> None:
    app = Starlette(routes=[Route("/", homepage)])
    uvicorn.Server(configured(app)).run(sockets=[listen("127.0.0.1", port)])


if __name__ == "__main__":
    main(int(sys.argv[1]))
