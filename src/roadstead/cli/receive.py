"""`roadstead receive`: a receiver of webhooks for tests."""

import json
from typing import TYPE_CHECKING, Annotated

from roadstead.cli.declared import Option
from roadstead.cli.output import styled, tell
from roadstead.errors import InvalidInput
from roadstead.plain import plain

if TYPE_CHECKING:
    from roadstead.receiver import Arrived


def receive(
    port: Annotated[
        int,
        Option(
            "--port",
            metavar="N",
            between=(0, 65535),
            show_default=False,
            help="Where to listen on loopback; 0 is any. Default: 9000.",
        ),
    ] = 9000,
    secret: Annotated[
        str | None, Option("--secret", metavar="TEXT", help="The secret of the hook, to check signatures.")
    ] = None,
    shared_secret: Annotated[
        str | None, Option("--shared-secret", metavar="TEXT", help="The shared secret of an app, to check tokens.")
    ] = None,
    status: Annotated[
        int,
        Option(
            "--status",
            metavar="N",
            between=(200, 599),
            show_default=False,
            help="The status of each answer. Default: 200.",
        ),
    ] = 200,
    delay: Annotated[
        int,
        Option(
            "--delay",
            metavar="SECONDS",
            between=(0, 3600),
            show_default=False,
            help="Wait so long before each answer. Default: 0.",
        ),
    ] = 0,
    close: Annotated[bool, Option("--close", help="Close each connection without an answer.")] = False,
    as_json: Annotated[bool, Option("--json", help="Print each request as one JSON document on a line.")] = False,
) -> None:
    """Receive webhooks, and check their signatures.

    Prints what arrives, until Ctrl-C, and answers as told.
    """
    from roadstead.receiver import Answering, Receiver, Secrets

    show = _print_json if as_json else _print_line
    answering = Answering(status, delay, close)
    try:
        receiver = Receiver(port, Secrets(secret, shared_secret), answering, show)
    except OSError as exc:
        raise InvalidInput(f"Port {port} cannot be used: {exc.strerror}.", "Choose another with --port.") from exc
    with receiver:
        tell(f"Listening at {receiver.url}. Press Ctrl-C to end.")
        try:
            receiver.serve_forever()
        except KeyboardInterrupt:
            tell()


def _print_json(one: "Arrived") -> None:
    import msgspec

    print(json.dumps(msgspec.to_builtins(one)), flush=True)


def _print_line(one: "Arrived") -> None:
    colour = {True: "green", False: "red", None: "dim"}[one.is_valid]
    what = f"{one.event or 'no event'}{_attempt(one)}"
    print(
        plain(f"{one.time[11:19]}  {what}  {one.target}  {len(one.body.encode()):,} bytes  "),
        styled(plain(one.signature), colour),
        sep="",
        flush=True,
    )


def _attempt(one: "Arrived") -> str:
    return "" if one.attempt in (None, "1") else f" (attempt {one.attempt})"
