"""`roadstead demo`: start a host and an app, and link the commit messages of a repository.

Everything is real: the app runs in another process, the host installs it over HTTP, the app stores its linker values by
signed calls to the API, and git has the messages. Only the data folder is removed at the end.
"""

import re
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from roadstead.cli.colours import Colour, has_colours
from roadstead.cli.declared import Option
from roadstead.cli.options import DEFAULT_WORKSPACE, Color
from roadstead.cli.output import as_called, styled, tell
from roadstead.plain import plain

if TYPE_CHECKING:
    from roadstead.domain.host import Host
    from roadstead.linkify import Linkified
    from roadstead.model import LocalCommit

COMMITS_SHOWN = 30
MOST_VALUES = 50
SAMPLE_VALUES = ("BB", "OPS")

_TICKET = r"(?<![^\W_])([A-Z][A-Z0-9]+)-\d+"
_NOT_TICKETS = frozenset({"AES", "CVE", "HTTP", "IEC", "ISO", "RFC", "SHA", "TLS", "UTF"})
"""Names that look like the prefix of a ticket key and occur in nearly every repository."""


def demo(
    repo: Annotated[
        Path | None,
        Option("--repo", metavar="PATH", help="The git repository to read. Default: a small one is made."),
    ] = None,
    once: Annotated[bool, Option("--once", help="Print the linked messages and exit.")] = False,
    color: Color = Colour.AUTO,
) -> None:
    """Show a repository's commits linked by a small app.

    Starts a host and the app, installs the app over HTTP, and prints the commit messages with their links.
    """
    import asyncio
    import tempfile

    with tempfile.TemporaryDirectory(prefix="roadstead-demo-") as folder:
        asyncio.run(_until_told_to_stop(repo, Path(folder), once=once, color=color))


async def _until_told_to_stop(repo: Path | None, folder: Path, *, once: bool, color: Colour) -> None:
    import asyncio

    show = asyncio.current_task()
    assert show is not None  # noqa: S101  # this runs in one
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(stop, show.cancel)
    try:
        await _show(repo, folder, once=once, color=color)
    except asyncio.CancelledError:
        tell("\nStopped.")


async def _show(repo: Path | None, folder: Path, *, once: bool, color: Colour) -> None:
    import asyncio
    import secrets

    from roadstead.cli.demonstration import running_app, running_host
    from roadstead.domain.access.credentials import sign_in_link
    from roadstead.domain.apps import installations
    from roadstead.domain.linking.workspaces import WorkspaceLinkers
    from roadstead.domain.running import announced
    from roadstead.web.demo import demo_page

    name, commits = await _read(repo, folder)
    path = f"/-/demo/{secrets.token_urlsafe(16)}"
    async with AsyncExitStack() as parts:
        host, showroom = await parts.enter_async_context(running_host(folder / "data", path))
        parts.enter_context(announced(host.settings))
        await host.remember_address()
        _say(f"The host is at     {host.base_url}")
        values = [*SAMPLE_VALUES, *(likely_values(commits) if repo else ())]
        descriptor_url = await parts.enter_async_context(running_app(values))
        _say(f"The app is at      {descriptor_url}")
        installation = await installations.install(host, descriptor_url, DEFAULT_WORKSPACE)
        _say(f"Installed          {installation.app_key} in the workspace {DEFAULT_WORKSPACE}")
        _say(f"The app stored     {await _count_values(host, installation.id)} linker values ({', '.join(values)})")
        linkers = await WorkspaceLinkers(host).of(DEFAULT_WORKSPACE)
        linked = [(commit, linkers.linkify(commit.message)) for commit in commits]
        showroom.page = demo_page(name, linked, installation)
        _print_messages(linked, color)
        _say()
        if once:
            _say(as_called("Run your own host  roadstead serve, then roadstead install DESCRIPTOR_URL"))
        else:
            _say_what_next(f"{host.base_url}{path}", await sign_in_link(host, path), folder / "data")
            await asyncio.Event().wait()


async def _read(repo: Path | None, folder: Path) -> "tuple[str, list[LocalCommit]]":
    """Return the name of the repository and its last commits. Raises `GitFailed`."""
    from roadstead.domain.linking.local_commits import last_commits, make_sample

    repo = repo or await make_sample(folder)
    return repo.resolve().name, await last_commits(repo, COMMITS_SHOWN)


async def _count_values(host: "Host", installation_id: int) -> int:
    from roadstead.domain.linking.linkers import list_linkers

    return sum(linker.value_count for linker in await list_linkers(host, installation_id))


def likely_values(commits: "Iterable[LocalCommit]") -> list[str]:
    """Return the texts that look like the prefix of a ticket key in the messages, the most frequent first."""
    seen = Counter(prefix for commit in commits for prefix in re.findall(_TICKET, commit.message))
    unlikely = {*_NOT_TICKETS, *SAMPLE_VALUES}
    return [prefix for prefix, _ in seen.most_common() if prefix not in unlikely][:MOST_VALUES]


def _print_messages(linked: "Sequence[tuple[LocalCommit, Linkified]]", color: Colour) -> None:
    from roadstead.linkify import render_terminal

    as_links = has_colours(sys.stdout, color)
    for commit, message in linked:
        _say()
        _say(styled(f"{commit.hash}  {commit.day}  {plain(commit.author)}", "dim"))
        shown = render_terminal(message, underline=True) if as_links else message.text
        for line in shown.split("\n"):
            _say(f"    {line}" if line else "")


def _say_what_next(page: str, sign_in: str, data: Path) -> None:
    _say(f"See it as a page   {page}")
    _say(f"Sign in there      {sign_in}")
    _say(as_called(f"Look at the app    roadstead apps show roadstead-sample-app --data {data}"))
    _say(as_called(f"Link your own text git log | roadstead linkify --data {data}"))
    _say("Stop with          Ctrl-C")


def _say(line: str = "") -> None:
    print(line, flush=True)
