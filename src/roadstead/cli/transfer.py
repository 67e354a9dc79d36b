"""`roadstead export`, `import` and `migrate-data`: the whole state as a file, or in another database."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

from roadstead.cli.declared import Argument, Option
from roadstead.cli.options import Data, DatabaseUrl, read_settings
from roadstead.cli.output import same_options, tell
from roadstead.cli.state import on_host
from roadstead.cli.streams import drop_output
from roadstead.errors import InvalidInput

if TYPE_CHECKING:
    from roadstead.domain.host import Host
    from roadstead.domain.upkeep.transfer import Progress, Transferred

_REINSTALL = "each app must be installed again before it can call: roadstead install DESCRIPTOR_URL"


def export_state(
    file: Annotated[str, Argument(metavar="FILE", help="A file that does not exist yet, or - for stdout.")],
    with_secrets: Annotated[
        bool,
        Option("--with-secrets", help="Include the shared secrets, in the clear."),
    ] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write the whole state to one file.

    The host may go on serving meanwhile.
    """
    from roadstead.domain.upkeep import transfer
    from roadstead.events import deliveries

    settings = read_settings(data=data, database_url=database_url)

    async def export(host: "Host") -> "tuple[Transferred, int]":
        with written(file) as out, _progress("Exporting") as progress:
            done = await transfer.export_state(host, out, with_secrets=with_secrets, progress=progress)
        return done, await deliveries.count_unsent(host)

    done, unsent = on_host(settings, export)
    tell(f"Exported. Rows: {done.rows:,}")
    _tell_of_unsent(unsent)
    if with_secrets:
        tell("The file contains the shared secrets in the clear: guard it like a password.")
    else:
        tell(f"The file has no shared secrets (--with-secrets). After an import {_REINSTALL}")


def import_state(
    file: Annotated[str, Argument(metavar="FILE", help="A file that roadstead export wrote, or - for stdin.")],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Fill an empty state from an export.

    Imports everything or nothing.
    """
    from roadstead.domain.upkeep import transfer

    settings = read_settings(data=data, database_url=database_url)

    async def fill(host: "Host") -> "Transferred":
        with _progress("Importing") as progress:
            return await transfer.import_state(host, source, progress=progress)

    with _read(file) as source:
        done = on_host(settings, fill)
    tell(f"Imported. Rows: {done.rows:,}")
    if not done.with_secrets:
        tell(f"The export has no shared secrets: {_REINSTALL}")
        tell("Each registered app has a new secret: roadstead register APP_KEY DESCRIPTOR_URL --show-secret")


def migrate_data(
    source: Annotated[str, Option("--from", metavar="URL", help="The database to copy from.")],
    target: Annotated[str, Option("--to", metavar="URL", help="The empty database to copy to.")],
    data: Data = None,
) -> None:
    """Copy the whole state to another database.

    Copies everything or nothing, and compares every row. Stop the host first: later changes are not copied.
    """
    import asyncio

    from roadstead.domain.host import open_host
    from roadstead.domain.running import running_hosts
    from roadstead.domain.upkeep.copying import move_state
    from roadstead.domain.upkeep.state import was_made
    from roadstead.events.deliveries import count_unsent
    from roadstead.settings import read_database_url

    settings = read_settings(data=data)
    here = replace(settings, database_url=read_database_url(source, "--from"))
    there = replace(settings, database_url=read_database_url(target, "--to"))
    if not asyncio.run(was_made(here)):
        raise InvalidInput(f"There is no state in {here.database_name}.", "Name the database of a host with --from.")

    async def move(old: "Host") -> tuple[int, int]:
        async with open_host(there, operator=old.operator) as new:
            with _progress("Copying and comparing") as progress:
                return await move_state(old, new, progress=progress), await count_unsent(old)

    count, unsent = on_host(here, move)
    tell(f"Copied, and each row read back and compared. Rows: {count:,}")
    _tell_of_unsent(unsent)
    for running in running_hosts(here):
        tell(f"A host serves the old database at {running.base_url}: what changes there is not in the copy.")
    _tell_how_to_go_on(data, there.public_database_url)


def _tell_how_to_go_on(data: str | None, database_url: str | None) -> None:
    if database_url is None:
        tell("Set ROADSTEAD_DATABASE_URL to the URL that you gave with --to, which may contain a password.")
    tell(f"Continue with: roadstead serve{same_options(data, database_url)}")


def _tell_of_unsent(count: int) -> None:
    """Tell what the old host alone sends: it may go on serving, and two hosts would send it twice."""
    if count:
        tell(f"Left out, because they are still to be sent. Deliveries and events: {count:,}")
        tell("The old host sends them when it runs: roadstead deliveries list --filter 'state = \"pending\"'")


@contextmanager
def written(name: str) -> Iterator[BinaryIO]:
    """Open a file that only its owner may read, and that gets its name when it is complete."""
    if name == "-":
        if sys.stdout.isatty():
            raise InvalidInput(
                "An export is not written to a terminal.", "Name a file, or pipe it: roadstead export - | …"
            )
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise  # the reader closed the pipe, which needs no message
        except OSError as exc:
            drop_output()
            raise _not_written("stdout", exc) from exc
        return
    file = Path(name)
    if os.path.lexists(file):
        raise InvalidInput(f"{name} exists already.", "Name another file, or move that one away first.")
    draft = file.with_name(f"{file.name}.{os.getpid()}.partial")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        draft.rename(file)
    except OSError as exc:
        raise _not_written(name, exc) from exc
    finally:
        draft.unlink(missing_ok=True)


def _not_written(name: str, cause: OSError) -> InvalidInput:
    if isinstance(cause, FileNotFoundError):
        return InvalidInput(
            f"The folder {Path(name).absolute().parent} does not exist.", "Create it, or name a file in another folder."
        )
    return InvalidInput(
        f"{name} cannot be written: {cause.strerror}.", "Free some space or name another file, and export again."
    )


@contextmanager
def _read(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(name).open("rb") as source:
            yield source
    except OSError as exc:
        raise InvalidInput(
            f"{name} cannot be read: {exc.strerror}.", "Give a file that roadstead export wrote."
        ) from exc


@contextmanager
def _progress(title: str) -> "Iterator[Progress]":
    """Show a progress bar on a terminal, and nothing elsewhere."""
    from rich.progress import Progress as Bar

    from roadstead.cli.output import console

    with Bar(console=console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
