"""`roadstead doctor`: find what is wrong with this set-up, and say how to fix it."""

import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import urlsplit

import typer

from roadstead.cli.options import AsJson, Data, DatabaseUrl, read_settings
from roadstead.cli.output import as_called, hanging, print_json, styled
from roadstead.cli.state import on_host
from roadstead.errors import NameNotResolved, OutgoingCallFailed, RoadsteadError, StorageUnavailable

if TYPE_CHECKING:
    from roadstead.domain.host import Host
    from roadstead.domain.running import RunningHost
    from roadstead.model import Installation
    from roadstead.settings import Settings

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_VERSION = re.compile(r"(\d+)\.(\d+)")
_OLDEST_GIT = (2, 39)
_SHOWN = 5
"""Repositories that one line names."""
_STYLES = {"ok": "green", "warning": "yellow", "problem": "red"}


class Check(NamedTuple):
    """The result of one check. A `warning` may be intended; with a `problem` something will not work."""

    name: str
    status: Literal["ok", "warning", "problem"]
    message: str
    advice: str = ""


def doctor(data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Find out what is wrong with this set-up.

    Exits 1 when there is a problem. Creates nothing.
    """
    checks = list(examine(read_settings(data=data, database_url=database_url)))
    healthy = all(check.status != "problem" for check in checks)
    if as_json:
        print_json({"checks": [check._asdict() for check in checks], "healthy": healthy})
    else:
        for check in checks:
            _print(check)
    if not healthy:
        raise typer.Exit(1)


def examine(settings: "Settings") -> Iterator[Check]:
    """Make every check, one after the other."""
    made = _state_was_made(settings)
    folder, key = _data_folder(settings.data), _key(settings, needed=made is True)
    yield from (folder, key)
    yield from _leftovers(settings)
    yield from _disk(settings)
    if isinstance(made, StorageUnavailable):
        yield Check("database", "problem", made.message, made.detail)
    elif "problem" in (folder.status, key.status):
        yield Check("database", "warning", "Not checked.", "Solve the problem above first.")
    elif not made:
        yield Check("database", "warning", f"{settings.database_name} is empty.", _MADE_BY_SERVE)
    else:
        yield from _database(settings)
    yield from _port(settings)
    yield _git()


_MADE_BY_SERVE = "Nothing to do: roadstead serve or install creates it."


def _state_was_made(settings: "Settings") -> bool | StorageUnavailable:
    import asyncio

    from roadstead.domain.upkeep.state import was_made

    try:
        return asyncio.run(was_made(settings))
    except StorageUnavailable as exc:
        return exc


def _data_folder(folder: Path) -> Check:
    from roadstead.settings import may_others_write

    try:
        mode = folder.stat().st_mode
    except FileNotFoundError:
        return Check("data folder", "warning", f"{folder} does not exist yet.", _MADE_BY_SERVE)
    except OSError as exc:
        return Check("data folder", "problem", f"{folder} cannot be read: {exc.strerror}.", _OTHER_FOLDER)
    if not stat.S_ISDIR(mode):
        return Check("data folder", "problem", f"{folder} is not a folder.", _OTHER_FOLDER)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Check("data folder", "problem", f"{folder} cannot be written to.", _OTHER_FOLDER)
    if may_others_write(folder):
        return Check(
            "data folder", "problem", f"Users other than its owner may write to {folder}.", f"Run: chmod 700 {folder}"
        )
    if mode & _OTHERS:
        return Check("data folder", "warning", f"{folder} is open to other users.", f"Run: chmod 700 {folder}")
    return Check("data folder", "ok", f"{folder} exists, and only its owner has access.")


_OTHER_FOLDER = "Fix this, or choose another folder with --data."


def _disk(settings: "Settings") -> Iterator[Check]:
    folder = settings.data if settings.postgresql_url else settings.database_file.parent
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free >> 20
    if free < _ENOUGH_MIB:
        advice = "Free some space. Until then the host cannot store changes; those it has accepted are safe."
        yield Check("disk", "problem", f"The disk of {folder} has {free} MiB left.", advice)
    else:
        yield Check("disk", "ok", f"The disk of {folder} has {free:,} MiB left.")


_ENOUGH_MIB = 32
"""Twice the largest request body: what the largest change writes."""


def _key(settings: "Settings", *, needed: bool) -> Check:
    from roadstead.domain.upkeep.state import key_file

    file = key_file(settings)
    if settings.key is not None:
        return Check("key", "ok", "The setting key (ROADSTEAD_KEY) has it.")
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        if needed:
            return Check(
                "key",
                "problem",
                f"{file} is missing. Without it the secrets in the database cannot be read.",
                "Put back the file that belongs to this database, or copy it from another host, or set ROADSTEAD_KEY.",
            )
        return Check("key", "warning", f"{file} does not exist yet.", _MADE_BY_SERVE)
    except OSError as exc:
        return Check("key", "problem", f"{file} cannot be read: {exc.strerror}.", _OTHER_FOLDER)
    if mode & _OTHERS:
        return Check("key", "problem", f"{file} can be read by other users.", f"Run: chmod 600 {file}")
    return Check("key", "ok", f"{file} exists, and only its owner has access.")


def _leftovers(settings: "Settings") -> Iterator[Check]:
    from roadstead.domain.upkeep.leftovers import find_leftovers

    for file in find_leftovers(settings):
        advice = f"Nothing to do: the next start of the host deletes it. Or run: rm {file}"
        yield Check("leftover", "warning", f"{file} was left behind by a process that was killed.", advice)


def _database(settings: "Settings") -> Iterator[Check]:
    try:
        checks = on_host(settings, _look_inside)
    except StorageUnavailable as exc:
        yield Check("database", "problem", exc.message, exc.detail)
        return
    yield from checks


async def _look_inside(host: "Host") -> list[Check]:
    """Check database, hosts and base URL. Raises `StorageUnavailable`."""
    from roadstead.domain.apps.installations import list_apps
    from roadstead.domain.running import running_hosts
    from roadstead.domain.telemetry.readiness import check_changes

    await check_changes(host)
    damage = await host.store.database.find_damage()
    if damage is not None:
        return [Check("database", "problem", f"The database is damaged: {damage}", "Restore it from a backup.")]
    installed = await list_apps(host)
    opens = f"The database and every app's secret can be read. Apps installed: {len(installed)}."
    running = running_hosts(host.settings)
    base_url = await _base_url(host, running)
    checks = [Check("database", "ok", opens), *_sqlite(host.settings, running), *_hosts(host.settings, running)]
    checks += await _repositories(host)
    return [*checks, *filter(None, [base_url]), *_refused_apps(installed), *await _strangers(host.base_url)]


async def _repositories(host: "Host") -> list[Check]:
    """Check that each repository has its folder, and there the refs of the database, if there are any."""
    from roadstead.domain.upkeep.repository_files import without_folder

    count, missing = await without_folder(host)
    if missing:
        names = ", ".join(one.full_name for one in missing[:_SHOWN])
        advice = (
            "Restore the folder git of the data folder from a backup, mount it if other hosts have it, "
            "or delete them: roadstead repo delete"
        )
        return [Check("repositories", "problem", f"{len(missing)} of {count} have no folder: {names}", advice)]
    return [await _refs(host, count)] if count else []


async def _refs(host: "Host", count: int) -> Check:
    """Check that each repository has the refs that the database has. After a restore the host brings them into line."""
    from roadstead.domain.repositories.catching_up import out_of_line
    from roadstead.errors import GitFailed

    try:
        other = await out_of_line(host)
    except GitFailed as exc:
        return Check("repositories", "problem", f"{exc.message} {exc.detail}", "See which: roadstead repo check")
    if not other:
        return Check("repositories", "ok", f"{count}, each with its folder and the refs of the database.")
    names = ", ".join(one.full_name for one in other[:_SHOWN])
    said = f"{len(other)} of {count} have other refs than the database: {names}"
    return Check("repositories", "warning", said, "See what differs: roadstead repo check")


def _refused_apps(installed: "Sequence[Installation]") -> Iterator[Check]:
    """Yield a warning of each app that an earlier version installed and this one would refuse."""
    from roadstead.domain.apps.descriptors import stored_faults

    for app in installed:
        if faults := stored_faults(app.descriptor):
            message = f"This version refuses the descriptor of {app.app_key} in {app.workspace.slug}: {faults[0]}"
            advice = (
                "Until it is corrected, the app has only its linkers, and is not called if the fault is in baseUrl. "
                f"Correct it, then run: roadstead install {app.descriptor_url} --workspace {app.workspace.slug}"
            )
            yield Check("app", "warning", message, advice)


def _sqlite(settings: "Settings", running: "Sequence[RunningHost]") -> Iterator[Check]:
    """Yield a warning of an SQLite version that is unsafe for several processes, where several write the file."""
    from roadstead.domain.upkeep.state import unsafe_sqlite

    writers = max(settings.workers, sum(one.workers for one in running))
    version = unsafe_sqlite(settings, writers)
    if version is not None:
        message = f"{writers} processes write the database; in rare cases that damages it with SQLite {version}."
        advice = "Run Python with SQLite 3.51.3 or newer, or one worker, or use PostgreSQL."
        yield Check("SQLite", "warning", message, advice)


def _hosts(settings: "Settings", running: "Sequence[RunningHost]") -> Iterator[Check]:
    """Yield a check for each running host. With PostgreSQL they may all run on other machines."""
    for one in running:
        yield Check("host", "ok", f"A host runs at {one.base_url}: process {one.pid}, {_listens(one)}.")
    if len(running) > 1:
        message = f"{len(running)} hosts serve this state."
        yield Check("host", "warning", message, f"Commands use {running[0].base_url}, the address of the oldest.")
    if not running and settings.postgresql_url is None:
        yield Check("host", "warning", "No host is running on this state.", "Start it with: roadstead serve")


async def _base_url(host: "Host", running: "Sequence[RunningHost]") -> Check | None:
    """Return which server answers at the base URL; `None` when no host is running, which `_hosts` reports."""
    from roadstead.domain.upkeep.reach import is_roadstead
    from roadstead.settings import is_loopback

    url = host.base_url
    try:
        if await is_roadstead(url):
            return Check("base URL", "ok", f"A host answers at {url}.")
    except NameNotResolved as exc:
        return Check("base URL", "warning", f"The name of {url} does not resolve here. {exc.message}", _lead(running))
    except OutgoingCallFailed as exc:
        if running:
            beside = is_loopback(urlsplit(url).hostname or "")
            return Check(
                "base URL", "problem" if beside else "warning", f"No host answers: {exc.message}", _lead(running)
            )
        if host.settings.postgresql_url is None:
            return None
        return Check("base URL", "warning", f"No host answers: {exc.message}", "Start it with: roadstead serve")
    return Check("base URL", "problem", f"Something that is not Roadstead answers at {url}.", _lead(running))


def _lead(running: "Sequence[RunningHost]") -> str:
    where = f", which {_listens(running[0])}" if running else ""
    return f"Make it lead to the host{where}, or start the host with another --base-url."


def _listens(host: "RunningHost") -> str:
    return f"listens on {host.host}, port {host.port}"


async def _strangers(base_url: str) -> list[Check]:
    """Return whether strangers can read the operator's API, or when they could, if the base URL is loopback."""
    from roadstead.domain.upkeep.reach import is_open_to_strangers
    from roadstead.settings import is_loopback

    if is_loopback(urlsplit(base_url).hostname or ""):
        message = "Requests made on this machine need no token, and a reverse proxy's requests are made on it."
        advice = "Nothing to do without a proxy. Behind one, start the host with --base-url and the proxy's address."
        return [Check("strangers", "ok", message, advice)]
    try:
        if not await is_open_to_strangers(base_url):
            return [Check("strangers", "ok", f"{base_url}/-/audit needs a token, as it should.")]
    except OutgoingCallFailed:
        return []  # The check before this one reports that no server answers.
    return [
        Check(
            "strangers",
            "problem",
            f"Anyone can read {base_url}/-/audit and the operator's other endpoints without a token.",
            "The host mistakes requests through its proxy for requests of its own machine: start it with "
            f"--base-url {base_url}, or base_url in roadstead.toml.",
        )
    ]


def _port(settings: "Settings") -> Iterator[Check]:
    """Check whether the port is free, unless a host is running."""
    from roadstead.domain.running import running_hosts
    from roadstead.server.listening import CannotListen, listen

    if running_hosts(settings):
        return
    try:
        listen(settings.host, settings.port).close()
    except CannotListen as exc:
        yield _taken_port(settings, exc)
    else:
        yield Check("port", "ok", f"Port {settings.port} of {settings.host} is free.")


def _taken_port(settings: "Settings", refusal: RoadsteadError) -> Check:
    import asyncio

    from roadstead.domain.upkeep.reach import is_roadstead

    place = f"port {settings.port} of {settings.host}"
    another = "Choose another with --port, or port in roadstead.toml."
    try:
        known = asyncio.run(is_roadstead(f"http://{_asked_at(settings.host)}:{settings.port}"))
    except OutgoingCallFailed:
        return Check("port", "warning", refusal.message, refusal.detail)
    if known and settings.postgresql_url is not None:
        return Check("port", "ok", f"A Roadstead host answers at {place}.")
    if known:
        return Check("port", "warning", f"A Roadstead host with another state uses {place}.", another)
    return Check("port", "warning", f"Another program uses {place}.", another)


def _asked_at(host: str) -> str:
    """Return the name under which this machine reaches a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104


def _git() -> Check:
    from roadstead.domain.linking.local_commits import git_version

    try:
        found = git_version()
    except RoadsteadError as exc:
        return Check("git", "warning", exc.message, "Repositories and roadstead demo need git 2.39 or later.")
    numbers = _VERSION.search(found)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < _OLDEST_GIT:
        return Check("git", "warning", f"{found} is installed.", "Repositories need git 2.39 or later.")
    return Check("git", "ok", f"{found} is installed.")


def _print(check: Check) -> None:
    status = styled(f"{check.status:<8}", _STYLES[check.status])
    print(f"{status} {check.name:<12} {hanging(as_called(check.message), 22)}")
    if check.advice:
        print(f"{'':22}{hanging(as_called(check.advice), 22)}")
