"""`roadstead doctor`: what is wrong with this set-up, and what to do about it."""

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from roadstead.cli.options import AsJson, Data, DatabaseUrl, read_settings
from roadstead.cli.output import plain, print_json
from roadstead.cli.state import on_host
from roadstead.errors import OutgoingCallFailed, RoadsteadError, StorageUnavailable

if TYPE_CHECKING:
    from roadstead.domain.host import Host
    from roadstead.settings import Settings

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. A `warning` may be as it should be; with a `problem` something will not work."""

    name: str
    status: Literal["ok", "warning", "problem"]
    message: str
    advice: str = ""


def doctor(data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Look for what is wrong with this set-up. Exits 1 when there is a problem. Makes nothing that is not there."""
    checks = list(examine(read_settings(data=data, database_url=database_url)))
    healthy = all(check.status != "problem" for check in checks)
    if as_json:
        print_json({"checks": [asdict(check) for check in checks], "healthy": healthy})
    else:
        for check in checks:
            _print(check)
    if not healthy:
        raise typer.Exit(1)


def examine(settings: "Settings") -> Iterator[Check]:
    """Look at everything that can be looked at, one after the other."""
    made = _state_was_made(settings)
    folder, key = _data_folder(settings.data), _key(settings, needed=made is True)
    yield from (folder, key)
    yield from _disk(settings)
    if isinstance(made, StorageUnavailable):
        yield Check("database", "problem", made.message, made.detail)
    elif "problem" in (folder.status, key.status):
        yield Check("database", "warning", "It was not opened.", "Solve the problem above first.")
    elif not made:
        yield Check("database", "warning", f"{settings.database_name} holds nothing yet.", _MADE_BY_SERVE)
    else:
        yield from _database(settings)
    yield _port(settings)
    yield _git()


_MADE_BY_SERVE = "Nothing to do: roadstead serve, or install, makes it."


def _state_was_made(settings: "Settings") -> bool | StorageUnavailable:
    import asyncio

    from roadstead.storage import has_state

    try:
        return asyncio.run(has_state(settings))
    except StorageUnavailable as exc:
        return exc


def _data_folder(folder: Path) -> Check:
    try:
        mode = folder.stat().st_mode
    except FileNotFoundError:
        return Check("data folder", "warning", f"{folder} does not exist yet.", _MADE_BY_SERVE)
    except OSError as exc:
        return Check("data folder", "problem", f"{folder} cannot be looked at: {exc.strerror}.", _OTHER_FOLDER)
    if not stat.S_ISDIR(mode):
        return Check("data folder", "problem", f"{folder} is not a folder.", _OTHER_FOLDER)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Check("data folder", "problem", f"{folder} may not be written to.", _OTHER_FOLDER)
    if mode & _OTHERS:
        return Check("data folder", "warning", f"{folder} is open to other users.", f"Run: chmod 700 {folder}")
    return Check("data folder", "ok", f"{folder} is there and only yours.")


_OTHER_FOLDER = "Mend it, or choose another folder with --data."


def _disk(settings: "Settings") -> Iterator[Check]:
    folder = settings.data if settings.postgresql_url else settings.database_file.parent
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free >> 20
    if free < _ENOUGH_MIB:
        advice = "Make room; until then nothing can be changed. What was accepted is safe."
        yield Check("disk", "problem", f"The disk of {folder} has {free} MiB left.", advice)
    else:
        yield Check("disk", "ok", f"The disk of {folder} has {free:,} MiB left.")


_ENOUGH_MIB = 32
"""Twice the largest request body: what the largest change writes."""


def _key(settings: "Settings", *, needed: bool) -> Check:
    from roadstead.storage.secrets import KEY_FILE

    file = settings.data / KEY_FILE
    if settings.key is not None:
        return Check("key", "ok", "It is given by the setting key.")
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        if needed:
            return Check(
                "key",
                "problem",
                f"{file} is missing, and the secrets in the database cannot be read without it.",
                "Put back the file that belongs to this database, or copy it from another host, or set ROADSTEAD_KEY.",
            )
        return Check("key", "warning", f"{file} does not exist yet.", _MADE_BY_SERVE)
    except OSError as exc:
        return Check("key", "problem", f"{file} cannot be looked at: {exc.strerror}.", _OTHER_FOLDER)
    if mode & _OTHERS:
        return Check("key", "problem", f"{file} may be read by other users.", f"Run: chmod 600 {file}")
    return Check("key", "ok", f"{file} is there and only yours.")


def _database(settings: "Settings") -> Iterator[Check]:
    try:
        checks = on_host(settings, _look_inside)
    except StorageUnavailable as exc:
        yield Check("database", "problem", exc.message, exc.detail)
        return
    yield from checks


async def _look_inside(host: "Host") -> list[Check]:
    """Raises `StorageUnavailable`."""
    from roadstead.domain.installations import list_apps

    damage = await host.store.database.find_damage()
    if damage is not None:
        return [Check("database", "problem", f"The database is damaged: {damage}", "Restore it from a back-up.")]
    installed = await list_apps(host)
    opens = f"It opens, and every app's secret can be read. Apps installed: {len(installed)}."
    return [Check("database", "ok", opens), await _base_url(host.base_url)]


async def _base_url(base_url: str) -> Check:
    from roadstead.integrations.health import is_roadstead

    try:
        if await is_roadstead(base_url):
            return Check("base URL", "ok", f"A host answers at {base_url}.")
    except OutgoingCallFailed as exc:
        return Check("base URL", "warning", f"No host answers: {exc.message}", "Start it with: roadstead serve")
    return Check(
        "base URL",
        "problem",
        f"Something that is not Roadstead answers at {base_url}.",
        "Start the host with: roadstead serve, and the --base-url that leads to it.",
    )


def _port(settings: "Settings") -> Check:
    from roadstead.cli.listening import CannotListen, listen

    try:
        listen(settings.host, settings.port).close()
    except CannotListen as exc:
        return Check("port", "warning", exc.message, f"Nothing to do if that is the host itself. {exc.detail}")
    return Check("port", "ok", f"Port {settings.port} of {settings.host} is free.")


def _git() -> Check:
    from roadstead.integrations import git

    try:
        return Check("git", "ok", f"{git.version()} is installed.")
    except RoadsteadError as exc:
        return Check("git", "warning", exc.message, "Only roadstead demo needs it.")


def _print(check: Check) -> None:
    from rich.text import Text

    from roadstead.cli.output import console

    status = (f"{check.status:<8}", _STYLES[check.status])
    console().print(Text.assemble(status, f" {check.name:<12} ", plain(check.message)))
    if check.advice:
        print(f"{'':22}{plain(check.advice)}")
