"""The command line of the sample app."""

import argparse
import shlex
import socket
import sys
from pathlib import Path

import uvicorn

from roadstead.sample_app.app import create_app
from roadstead.sample_app.installations import Installations

TRUSTED_HOSTS = {"localhost", "127.0.0.1", "::1", "bitbucket.org", "api.bitbucket.org"}


def main() -> None:
    """Serve the app until SIGTERM or SIGINT; print one line, which ends in the descriptor's URL."""
    parser = _parser()
    options = parser.parse_args()
    try:
        installations = Installations(options.state)
        listening = _listen(options.host, options.port)
    except (OSError, OverflowError, ValueError) as error:
        parser.error(str(error))
    base_url = _url_of(listening)
    app = create_app(base_url, options.values, installations, TRUSTED_HOSTS | set(options.trust))
    sys.stdout.write(f"Ready. Install it with: {_roadstead()} install {base_url}/descriptor.json\n")
    sys.stdout.flush()
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m roadstead.sample_app", description="A small Connect app.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; the descriptor names it too")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0, the default, takes a free one")
    parser.add_argument(
        "--values",
        type=_comma_separated,
        default=["BB", "OPS"],
        metavar="BB,OPS",
        help="values to store for the linker `tickets`; without one, every key becomes a link",
    )
    parser.add_argument("--state", type=Path, metavar="FILE", help="remember the installations in this file")
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="HOST",
        help="a host that may install the app, by its name",
    )
    return parser


def _roadstead() -> str:
    """Return how to call Roadstead: beside the Python that runs this app, if that was called by a path."""
    beside = Path(sys.orig_argv[0]).with_name("roadstead")
    return shlex.quote(str(beside)) if "/" in sys.orig_argv[0] and beside.exists() else "roadstead"


def _comma_separated(text: str) -> list[str]:
    return [value.strip() for value in text.split(",") if value.strip()]


def _listen(host: str, port: int) -> socket.socket:
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def _url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


if __name__ == "__main__":
    main()
