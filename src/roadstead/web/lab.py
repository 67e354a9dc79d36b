"""`/-/lab`: the links that linkers make in a text, and why: those of a workspace, or a pattern that is being written.

A short example is entirely in the address, so that it can be shared.
"""

import asyncio
import contextlib
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from starlette.responses import Response

from roadstead.domain.apps import installations
from roadstead.domain.linking.local_commits import last_commits
from roadstead.domain.linking.workspaces import WorkspaceLinkers
from roadstead.errors import GitFailed, InvalidInput, NotFound, RoadsteadError
from roadstead.linkify import (
    CompiledLinkers,
    InvalidPattern,
    Linker,
    PatternReport,
    Tried,
    check_linker,
    compile_linkers,
    explain,
)
from roadstead.web.descriptor_view import ShownPattern, pattern_in_words
from roadstead.web.page import Visit, render, require
from roadstead.web.parking import ParkedLinker, parked_linkers
from roadstead.web.stretches import Piece, Stretch, pieces_of, stretches_of

LONGEST_TEXT = 100_000
"""Characters. Every candidate in it is explained on the page."""
_MOST_VALUES = 10_000
_SHOWN_CANDIDATES = 100
_SHOWN_LINKERS = 50
_LONGEST_ADDRESS = 8_000
_COMMITS = 50
_PUMPED = 500
"""How often a hostile text is repeated when it is tried."""


@dataclass(frozen=True, slots=True)
class Example:
    """The linkers and the text to try. The pattern's members count only when `how` says so."""

    how: Literal["workspace", "pattern"]
    workspace: str
    regex: str
    url: str
    values: str
    text: str


_FIRST = Example(
    how="pattern",
    workspace="local",
    regex=r"((?K)-\d+)",
    url=r"https://tickets.example.com/browse/\1",
    values="BB OPS",
    text="Fixes BB-1234 and closes OPS-7.\nMerged bugfix-BB-12, but neither ABB-12 nor RELEASE-2.\n",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for the text. `omitted` is the number of candidates that are not shown, `linkers_omitted` that of
    linkers.

    `slow_address` leads to the lab with a text on which the pattern is slow, if one is known.
    """

    pieces: list[Piece]
    links: int
    limits: list[str]
    pattern: ShownPattern | None
    slow_address: str
    stretches: list[Stretch]
    omitted: int
    linkers: tuple[Tried, ...]
    linkers_omitted: int


@dataclass(frozen=True, slots=True)
class LabPage:
    """Context of `lab.html`, and of `parts/outcome.html`, which is the part that changes during typing.

    `address` is the permanent address of this example, if it is short enough. While the outcome is `awaited`, the
    browser fetches it when it is ready. `repository` is a path that cannot be read, and `repository_wrong` says why.
    """

    example: Example
    workspaces: list[str]
    outcome: Outcome | None
    awaited: bool
    parked: list[ParkedLinker]
    refusal: str
    advice: str
    address: str | None
    can_read_repositories: bool
    repository: str
    repository_wrong: str


@dataclass(frozen=True, slots=True)
class _Unread:
    """A repository that cannot be read."""

    path: str
    reason: str


async def show(visit: Visit) -> Response:
    query = visit.request.query_params
    known = await _workspaces(visit)
    example = _example(dict(query), known)
    if not query and known:
        example = _example({**asdict(example), "how": "workspace"}, known)
    return await _page(visit, example, known, awaited=await _takes_long(visit, example))


async def _takes_long(visit: Visit, example: Example) -> bool:
    """Return whether the values of the workspace have yet to be read, and are many: a million takes seconds."""
    if example.how == "pattern":
        return False
    try:
        return not await _linkers(visit).are_near(example.workspace)
    except NotFound:
        return False  # and the page reports it


async def try_out(visit: Visit) -> Response:
    form = await visit.form()
    known = await _workspaces(visit)
    return await _page(visit, _example(form, known), known)


async def load_commits(visit: Visit) -> Response:
    """Return the page with a repository's last commit messages as its text."""
    form = await visit.form()
    known = await _workspaces(visit)
    require(may_read_repositories(visit), "Repositories cannot be read here.", "Only on the machine that it runs on.")
    path = form.get("repository", "").strip()
    try:
        text = await _messages(path)
    except (GitFailed, InvalidInput) as exc:
        unread = _Unread(path, f"{exc.message} {exc.detail}")
        return await _page(visit, _example(form, known), known, unread=unread)
    return await _page(visit, _example({**form, "text": text}, known), known)


def may_read_repositories(visit: Visit) -> bool:
    """Return whether the signed-in user is on this machine: the host would read every repository that its user may
    read.
    """
    return visit.host.is_for_this_machine


async def _messages(repository: str) -> str:
    commits = await last_commits(_absolute(repository), _COMMITS)
    return "\n\n".join(commit.message for commit in commits)[:LONGEST_TEXT]


def _absolute(repository: str) -> Path:
    path = Path(repository)
    with contextlib.suppress(RuntimeError):  # no user has that name, so the path stays relative
        path = path.expanduser()
    require(path.is_absolute(), "The path of the repository must be absolute.", "Such as /home/you/project.")
    return path


async def _workspaces(visit: Visit) -> list[str]:
    return [workspace.slug for workspace in await installations.list_workspaces(visit.host)]


def _example(fields: dict[str, str], known: list[str]) -> Example:
    given = {name: fields.get(name, default).replace("\r\n", "\n") for name, default in asdict(_FIRST).items()}
    workspace = fields.get("workspace") or next(iter(known), _FIRST.workspace)
    how: Literal["workspace", "pattern"] = "workspace" if given["how"] == "workspace" else "pattern"
    return Example(how, workspace, given["regex"], given["url"], given["values"], given["text"])


async def _page(
    visit: Visit, example: Example, known: list[str], *, unread: _Unread | None = None, awaited: bool = False
) -> Response:
    outcome: Outcome | None = None
    parked: list[ParkedLinker] = []
    refusal: RoadsteadError | None = None
    if not awaited:
        try:
            outcome = await _outcome(visit, example)
            if example.how == "workspace":
                parked = parked_linkers(visit, await installations.get_workspace(visit.host, example.workspace))
        except (InvalidInput, NotFound) as exc:
            refusal = exc
    address = _address(example)
    shareable = len(address) <= _LONGEST_ADDRESS
    context = LabPage(
        example=example,
        workspaces=known,
        outcome=outcome,
        awaited=awaited,
        parked=parked,
        refusal=refusal.message if refusal else "",
        advice=refusal.detail if refusal else "",
        address=address if shareable else None,
        can_read_repositories=may_read_repositories(visit),
        repository=unread.path if unread else "",
        repository_wrong=unread.reason if unread else "",
    )
    page = render("parts/outcome.html" if visit.part_only else "lab.html", context, visit=visit)
    if visit.part_only and shareable:
        page.headers["HX-Replace-Url"] = address
    return page


def _address(example: Example) -> str:
    return f"/-/lab?{urlencode(asdict(example))}"


async def _outcome(visit: Visit, example: Example) -> Outcome:
    """Return the result. Raise `InvalidInput` and `WorkspaceNotFound`."""
    require(len(example.text) <= LONGEST_TEXT, "The text is too long.", f"At most {LONGEST_TEXT:,} characters of it.")
    if example.how == "workspace":
        compiled, verdict = await _linkers(visit).of(example.workspace), None
    else:
        without_values = visit.host.settings.linkers_without_values
        compiled, verdict = await asyncio.to_thread(_compile, example, without_values)
    return await asyncio.to_thread(_explained, compiled, example, verdict)


def _linkers(visit: Visit) -> WorkspaceLinkers:
    linkers: WorkspaceLinkers = visit.request.scope["state"]["linkers"]
    return linkers


def _compile(
    example: Example, without_values: Literal["everything", "nothing"]
) -> tuple[CompiledLinkers, PatternReport]:
    values = frozenset(re.split(r"[\s,]+", example.values.strip())) - {""}
    require(len(values) <= _MOST_VALUES, "There are too many values.", f"At most {_MOST_VALUES:,} are taken here.")
    linker = Linker("pattern", example.regex, example.url, base_url="https://app.example.com", values=values)
    try:
        return compile_linkers([linker], without_values=without_values), check_linker(linker)
    except InvalidPattern as exc:
        raise InvalidInput("The pattern cannot be used.", str(exc)) from exc


def _explained(compiled: CompiledLinkers, example: Example, verdict: PatternReport | None) -> Outcome:
    explanation = explain(compiled, example.text)
    witness = verdict.witness if verdict else None
    linkified = explanation.linkified
    stretches = stretches_of(explanation.candidates[:_SHOWN_CANDIDATES])
    return Outcome(
        pieces=pieces_of(linkified, stretches),
        links=len(linkified.links),
        limits=[limit.reason for limit in linkified.unfinished if limit.linker is None],
        pattern=pattern_in_words("pattern", verdict) if verdict else None,
        slow_address=_address(replace(example, text=witness.text(_PUMPED))) if witness else "",
        stretches=stretches,
        omitted=explanation.omitted + max(0, len(explanation.candidates) - _SHOWN_CANDIDATES),
        linkers=explanation.linkers[:_SHOWN_LINKERS],
        linkers_omitted=max(0, len(explanation.linkers) - _SHOWN_LINKERS),
    )
