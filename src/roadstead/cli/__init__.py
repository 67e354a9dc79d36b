"""The command line: one of three front doors to the domain, beside the API and the pages.

`commands` lists its commands. A command imports slow modules itself, so that `roadstead version` answers fast, and
`serve` answers its first request soon after it was started.
"""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module

_FAST = ("linkify", "serve", "demo", "check", "ssh-serve", "ssh-keys-for", "version")
"""The commands that run without Typer; each is the function of its name in the module of its name."""


def main() -> None:
    """Run the console script `roadstead`: exit with 0 for success, 1 for a refusal or a failure, 2 for wrong usage."""
    try:
        _run()
    except KeyboardInterrupt:  # before there was a command
        sys.exit(130)


def _run() -> None:
    name, *arguments = ["version"] if sys.argv[1:] == ["--version"] else sys.argv[1:] or [""]
    if name in _FAST and "_ROADSTEAD_COMPLETE" not in os.environ:
        _run_fast(name, arguments)
    with importing():
        from roadstead.cli.commands import run

    run()


def _run_fast(name: str, arguments: list[str]) -> None:
    """Run a command that must start fast, and exit. Return if its arguments are not ordinary."""
    with importing():
        from roadstead.cli import quick

        module = name.replace("-", "_")
        command = getattr(import_module(f"roadstead.cli.{module}"), module)
    with suppress(quick.NotOrdinary):
        sys.exit(quick.run(command, arguments))


@contextmanager
def importing() -> Iterator[None]:
    """Turn the garbage collector off while modules are imported: it would take a sixth of the time and find nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
