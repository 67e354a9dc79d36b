"""`roadstead serve`: run the host."""

import logging
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, NoReturn

from roadstead.cli import importing
from roadstead.cli.declared import Option
from roadstead.cli.options import (
    AllowTarget,
    Data,
    DatabaseUrl,
    Era,
    LinkersWithoutValues,
    RateLimit,
    RepositoryLimit,
    SshUrl,
    read_settings,
)
from roadstead.cli.output import program, same_options
from roadstead.cli.state import on_host

if TYPE_CHECKING:
    import socket

    from roadstead.domain.host import Host
    from roadstead.domain.running import RunningHost
    from roadstead.settings import Settings


log = logging.getLogger("roadstead")

_STOPS = (signal.SIGINT, signal.SIGTERM)


def serve(
    host: Annotated[
        str | None,
        Option("--host", metavar="ADDRESS", help="Address to listen on. Default: 127.0.0.1. [env var: ROADSTEAD_HOST]"),
    ] = None,
    port: Annotated[
        str | None,
        Option(
            "--port",
            metavar="PORT",
            help="Port to listen on; 0 takes a free one. Default: 7990. [env var: ROADSTEAD_PORT]",
        ),
    ] = None,
    base_url: Annotated[
        str | None,
        Option(
            "--base-url",
            metavar="URL",
            help="Where apps and browsers reach the host; every link begins with it. Behind a reverse proxy it must be "
            "given: otherwise the host takes the proxy's requests for those of its own machine, and answers operators' "
            "addresses without a token. Default: http://localhost:PORT. [env var: ROADSTEAD_BASE_URL]",
        ),
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    workers: Annotated[
        str | None,
        Option(
            "--workers",
            metavar="N",
            help="Processes that answer requests. Default: 1. [env var: ROADSTEAD_WORKERS]",
        ),
    ] = None,
    linkers_without_values: LinkersWithoutValues = None,
    keep_requests: Annotated[
        str | None,
        Option(
            "--keep-requests",
            metavar="N",
            help="How many calls are kept for roadstead requests, in both directions. Default: 1000. "
            "[env var: ROADSTEAD_KEEP_REQUESTS]",
        ),
    ] = None,
    keep_deliveries: Annotated[
        str | None,
        Option(
            "--keep-deliveries",
            metavar="N",
            help="How many deliveries of events are kept for roadstead deliveries. Default: 10000. "
            "[env var: ROADSTEAD_KEEP_DELIVERIES]",
        ),
    ] = None,
    log_requests: Annotated[
        str | None,
        Option(
            "--log-requests",
            metavar="failed|all",
            help="Which requests are logged: those answered 5xx, or all. Default: failed. "
            "[env var: ROADSTEAD_LOG_REQUESTS]",
        ),
    ] = None,
    allow_target: AllowTarget = None,
    rate_limit: RateLimit = None,
    repository_limit: RepositoryLimit = None,
    era: Era = None,
    ssh_url: SshUrl = None,
) -> None:
    """Run the host until Ctrl-C."""
    settings = read_settings(
        host=host,
        port=port,
        base_url=base_url,
        data=data,
        database_url=database_url,
        workers=workers,
        linkers_without_values=linkers_without_values,
        keep_requests=keep_requests,
        keep_deliveries=keep_deliveries,
        log_requests=log_requests,
        allow_target=allow_target,
        rate_limit=rate_limit,
        repository_limit=repository_limit,
        era=era,
        ssh_url=ssh_url,
    )
    for stop in _STOPS:
        signal.signal(stop, _leave)
    shown_url = database_url and (settings.public_database_url or "DATABASE_URL")
    _serve(settings, same_options(data, shown_url, allow_target or ()))


def _serve(settings: "Settings", same_state: str) -> None:
    with ExitStack() as until_the_end:
        with importing():
            from roadstead.server.listening import listen, port_of, raise_file_limit

            few_files = raise_file_limit()
            listening = until_the_end.enter_context(listen(settings.host, settings.port))
            port = port_of(listening)
            settings = replace(settings, port=port, base_url=settings.base_url or f"http://localhost:{port}")
            sign_in_link, warning = on_host(settings, lambda host: prepare(host, until_the_end))
            server = _workers(settings, listening) if settings.workers > 1 else _server(settings, listening)
        for one in filter(None, (few_files, warning)):
            log.warning(one)
        _greet(settings, sign_in_link, same_state)
        server()


async def prepare(host: "Host", until_the_end: ExitStack) -> tuple[str, str]:
    """Return a new sign-in link, and a warning if there is another host.

    This opens the state before the server does, so that a failure is reported in a sentence and not in a traceback.
    """
    from roadstead.domain.access.credentials import sign_in_link
    from roadstead.domain.repositories.presence import require_repositories
    from roadstead.domain.running import announced
    from roadstead.domain.upkeep.leftovers import sweep

    await require_repositories(host)
    others = until_the_end.enter_context(announced(host.settings))
    for file in sweep(host.settings):
        log.info("%s was left behind by a killed process, and is deleted.", file)
    warning = _of_another(others[0], host) if others else _of_a_change(await host.remember_address(), host)
    return await sign_in_link(host), warning


def _of_another(other: "RunningHost", host: "Host") -> str:
    return (
        f"Another host serves the same state: process {other.pid} at {other.base_url}. Until it stops, commands such "
        f"as sign-in, token and install use its address, not {host.base_url}. For a state of its own, start this host "
        "with another --data."
    )


def _of_a_change(before: str | None, host: "Host") -> str:
    """Return a warning for PostgreSQL, whose other hosts may run on other machines; with SQLite they are known."""
    if host.settings.postgresql_url is None or before in (None, host.base_url):
        return ""
    return (
        f"The base URL of this state was {before} and is now {host.base_url}, for commands without a running host "
        "beside them. Start all hosts on one database with the same --base-url."
    )


def _greet(settings: "Settings", sign_in_link: str, same_state: str) -> None:
    if not settings.listens_on_loopback:
        log.warning(
            "Other machines can reach this host. It calls apps at private addresses and on this machine only if "
            "--allow-target names them. Links begin with %s: set --base-url to the URL that others use.",
            settings.base_url,
        )
    print(f"Roadstead is at  {settings.base_url}")
    print(f"Sign in at       {sign_in_link}")
    print(f"Its data is in   {settings.data}")
    if settings.postgresql_url is not None:
        print(f"Its database is  {settings.database_name}")
    print(f"Install an app   {program()} install DESCRIPTOR_URL{same_state}")
    print("Stop with        Ctrl-C", flush=True)


def _server(settings: "Settings", listening: "socket.socket") -> Callable[[], None]:
    """Return a function that runs the server in this process."""
    import uvicorn

    from roadstead.app import create_app
    from roadstead.server.listening import configured

    config = configured(create_app(settings, started=_started))
    config.load()
    server = uvicorn.Server(config)

    def run() -> None:
        # A signal that arrives before uvicorn handles signals would end the event loop in the middle of its start.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        server.run(sockets=[listening])

    return run


async def _started(host: "Host") -> None:
    from roadstead.app import spare_what_stays
    from roadstead.server.service_manager import tell_ready

    spare_what_stays()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    tell_ready()


def _workers(settings: "Settings", listening: "socket.socket") -> Callable[[], None]:
    """Return a function that runs servers in other processes, which read the settings from the environment."""
    from tempfile import TemporaryDirectory

    from roadstead.server.listening import configured
    from roadstead.server.workers import Workers
    from roadstead.settings import SAMPLES_FOLDER, SETTINGS

    os.environ["ROADSTEAD_DATA"] = str(settings.data)
    for name in SETTINGS:
        value = getattr(settings, name)
        if value is not None:
            os.environ[f"ROADSTEAD_{name.upper()}"] = str(value)
    config = configured("roadstead.server.workers:worker_application", workers=settings.workers)
    workers = Workers(config, sockets=[listening])

    def run() -> None:
        with TemporaryDirectory(prefix="roadstead-") as folder:
            os.environ[SAMPLES_FOLDER] = folder
            workers.run()

    return run


def _leave(signal_number: int, frame: object) -> NoReturn:
    """Exit with 0: a signal to stop is not a failure. Uvicorn raises the signal again once it has shut down."""
    raise SystemExit(0)
