"""`roadstead linkify`: the linkers of a workspace over any text."""

import io
import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from roadstead.cli.colours import Colour, has_colours
from roadstead.cli.options import (
    DEFAULT_WORKSPACE,
    Color,
    Data,
    DatabaseUrl,
    LinkersWithoutValues,
    read_settings,
)
from roadstead.cli.output import hanging, print_json, print_table, tell
from roadstead.cli.paging import needs_pager, pager
from roadstead.cli.state import on_host
from roadstead.cli.tables import Row
from roadstead.errors import InvalidInput, WorkspaceNotFound
from roadstead.plain import plain

if TYPE_CHECKING:
    from roadstead.linkify import Candidate, CompiledLinkers, Linker, Linkified, Tried, Unfinished
    from roadstead.settings import Settings

CHUNK_BYTES = 64 * 1024
LONGEST_LINE = 1024 * 1024
"""Bytes. What has no line end for longer is cut into texts of this size, so that no input fills the memory."""


class Input(StrEnum):
    TEXT = "text"
    HTML = "html"
    MARKDOWN = "markdown"


class Format(StrEnum):
    HTML = "html"
    MARKDOWN = "markdown"
    TERMINAL = "terminal"
    JSON = "json"


FORMATS = {
    Input.TEXT: (Format.TERMINAL, Format.HTML, Format.MARKDOWN, Format.JSON),
    Input.HTML: (Format.HTML, Format.JSON),
    Input.MARKDOWN: (Format.MARKDOWN, Format.JSON),
}
"""How the text may be printed, by what it is; first how it is unless another is asked for."""


def linkify(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="UTF-8 text; - is standard input.")] = "-",
    workspace: Annotated[
        str, typer.Option("--workspace", metavar="SLUG", help="Whose linkers to use.")
    ] = DEFAULT_WORKSPACE,
    input: Annotated[
        Input,
        typer.Option(
            "--input",
            metavar="text|html|markdown",
            help="html and markdown are one document, whose texts are linked. HTML comes out safe.",
        ),
    ] = Input.TEXT,
    format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="html|markdown|terminal|json",
            help="markdown reads Markdown, too. json is one document for all lines: text, links, unfinished. "
            "Default: terminal on a terminal, plain text elsewhere; what the input is for html and markdown.",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say for each candidate why it is a link or not. Formats: terminal, json.")
    ] = False,
    color: Color = Colour.AUTO,
    data: Data = None,
    database_url: DatabaseUrl = None,
    linkers_without_values: LinkersWithoutValues = None,
) -> None:
    """Turn what the linkers find in a text into links.

    For example: git log | roadstead linkify

    Each line is a text of its own, printed as soon as it is complete; HTML and Markdown are read to the end first.
    """
    if format is not None and format not in FORMATS[input]:
        raise typer.BadParameter(f"{input} input comes out as {' or '.join(FORMATS[input])}.", param_hint="--format")
    if explain and (input is not Input.TEXT or format not in (None, Format.TERMINAL, Format.JSON)):
        raise typer.BadParameter("text is explained, as terminal or as json.", param_hint="--explain")
    settings = read_settings(data=data, database_url=database_url, linkers_without_values=linkers_without_values)
    linkers = _linkers_of(settings, workspace)
    form = format or FORMATS[input][0]
    with ExitStack() as opened:
        source = opened.enter_context(_open(file)) if file != "-" else sys.stdin.buffer
        if file == "-" and sys.stdin.isatty():
            tell("Type or paste the text, then press Ctrl-D.")
        lines = _watched(source, opened)
        if explain:
            _explain(linkers, lines, as_json=form is Format.JSON)
        elif input is Input.HTML:
            _print_html(linkers, lines, as_json=form is Format.JSON)
        elif input is Input.MARKDOWN or form is Format.MARKDOWN:
            _print_markdown(linkers, lines, as_json=form is Format.JSON)
        elif form is Format.JSON:
            _print_document(linkers, lines)
        elif form is Format.HTML:
            met = Counter[str]()
            _write("<pre>\n")  # or a browser would run the lines together
            _print_lines(linkers, lines, _as_html, sys.stdout.buffer, met)
            _write("</pre>\n")
            _tell_lines(met)
        else:
            # The format that is named is wanted in a pipe, too: `… | roadstead linkify --format terminal | less -R`.
            chosen = Colour.ALWAYS if format is Format.TERMINAL and color is Colour.AUTO else color
            render = _as_links if has_colours(sys.stdout, chosen) else _as_text
            met = Counter[str]()
            with pager() if needs_pager(source) else nullcontext(sys.stdout.buffer) as shown:
                _print_lines(linkers, lines, render, shown, met)
            _tell_lines(met)


def _linkers_of(settings: "Settings", workspace: str) -> "CompiledLinkers":
    """The linkers, or none where nothing was ever installed. Raises `WorkspaceNotFound` for one that was asked for."""
    from roadstead.domain.linking.workspaces import WorkspaceLinkers
    from roadstead.linkify import compile_linkers

    try:
        return on_host(settings, lambda host: WorkspaceLinkers(host).of(workspace))
    except WorkspaceNotFound:
        if workspace != DEFAULT_WORKSPACE:
            raise
        tell("Nothing is installed yet, so only addresses become links. Install an app with: roadstead install URL")
        return compile_linkers([])


def _as_html(linkified: "Linkified") -> str:
    from roadstead.linkify import render_html

    return render_html(linkified)


def _as_links(linkified: "Linkified") -> str:
    from roadstead.linkify import render_terminal

    return render_terminal(linkified, underline=True)


def _as_text(linkified: "Linkified") -> str:
    return linkified.text


def _parking(linkers: "CompiledLinkers") -> "Callable[[str], Linkified]":
    """Linkify for many lines, on which a linker that keeps running out of time is parked, as the host does it."""
    from roadstead.domain.linking.parking import LinkerRecords

    records = LinkerRecords()

    def linkify_line(line: str) -> "Linkified":
        result = records.without_parked(linkers).linkify(line)
        if result.unfinished:
            records.add(len(line), {}, result.unfinished)
        return result

    return linkify_line


def _print_document(linkers: "CompiledLinkers", chunks: Iterable[list[bytes]]) -> None:
    """All lines as one document, whose offsets are those of the whole text."""
    from roadstead.control.linkify import Limit, linked

    texts: list[str] = []
    links: list[dict[str, Any]] = []
    unfinished: list[Limit] = []
    start = 0
    linkify_line = _parking(linkers)
    for line in itertools.chain.from_iterable(chunks):
        found = linked(linkify_line(_decode(line)))
        texts.append(found["text"])
        links += ({**link, "start": start + link["start"], "end": start + link["end"]} for link in found["links"])
        unfinished += (one for one in found["unfinished"] if one not in unfinished)
        start += len(found["text"])
    print_json({"text": "".join(texts), "links": links, "unfinished": unfinished})


def _print_lines(
    linkers: "CompiledLinkers",
    chunks: Iterable[list[bytes]],
    render: "Callable[[Linkified], str]",
    to: BinaryIO,
    met: Counter[str],
) -> None:
    """Print each line as soon as it is complete, and count the lines on which each limit was `met`."""
    linkify_line = _parking(linkers)
    for lines in chunks:
        for line in lines:
            result = linkify_line(_decode(line))
            met.update(map(_limit, result.unfinished))
            to.write(_encode(render(result)))
        to.flush()


def _tell_lines(met: Counter[str]) -> None:
    for linker, times in met.items():
        tell(f"Left unlinked in {times} lines: {linker}")


def _explain(linkers: "CompiledLinkers", chunks: Iterable[list[bytes]], *, as_json: bool) -> None:
    """Each line with its candidates; for people, what the linkers did on all of them in the end."""
    from roadstead.control.linkify import explained
    from roadstead.linkify import explain

    lines = itertools.chain.from_iterable(chunks)
    explanations = (explain(linkers, _decode(line).rstrip("\r\n")) for line in lines)
    if as_json:
        print_json([{"text": one.linkified.text, **explained(one)} for one in explanations])
        return
    tried: dict[Linker, list[Tried]] = {}
    for explanation in explanations:
        shown = [explanation.linkified.text, *itertools.chain(*map(_about, explanation.candidates))]
        if explanation.omitted:
            shown.append(f"  and {explanation.omitted} more candidates")
        sys.stdout.buffer.write(_encode("".join(f"{plain(line)}\n" for line in shown)))
        sys.stdout.buffer.flush()
        for one in explanation.linkers:
            tried.setdefault(one.linker, []).append(one)
    if tried:
        print()
        headings = ("APP", "LINKER", "ENGINE", "VALUES", "CANDIDATES", "LINKS", "MS")
        print_table(headings, [_summed_up(every) for every in tried.values()])


def _about(candidate: "Candidate") -> Iterator[str]:
    """What became of a candidate, in a line, and why, in another."""
    what = f"{candidate.start}-{candidate.end} {candidate.text!r}"
    groups = "".join(f", {name} = {text!r}" for name, text in candidate.groups.items())
    yield (
        f"  link     {hanging(f'{what} → {candidate.url}', 11)}" if candidate.url else f"  no link  {hanging(what, 11)}"
    )
    who = f" ({candidate.linker.app_key}, linker {candidate.linker.key}{groups})" if candidate.linker else ""
    yield f"{'':11}{hanging(candidate.reason + who, 11)}"


def _summed_up(every: "list[Tried]") -> Row:
    """What a linker did on all lines. Where it had candidates, why it had no others is of no interest."""
    candidates, links = sum(one.candidates for one in every), sum(one.links for one in every)
    milliseconds = sum(one.milliseconds for one in every)
    reason = next((one.reason for one in every if one.limited), "" if candidates else every[-1].reason)
    linker, first = every[0].linker, every[0]
    if first.witness and any(one.limited for one in every):
        reason += f" A backtracking engine takes long on {first.witness.in_words()}."
    cells = (linker.app_key, linker.key, first.engine, first.value_count, candidates, links, milliseconds)
    return Row(cells, reason)


def _print_html(linkers: "CompiledLinkers", chunks: Iterable[list[bytes]], *, as_json: bool) -> None:
    from roadstead.control.linkify import linked_html
    from roadstead.linkify import linkify_html

    html = _whole(chunks)
    result = linkify_html(linkers, html)
    if as_json:
        print_json(linked_html(html, result))
        return
    _write(result.html)
    if html.endswith("\n") and not result.html.endswith("\n"):
        _write("\n")  # which is no part of any element
    _tell_limits(result.unfinished)


def _print_markdown(linkers: "CompiledLinkers", chunks: Iterable[list[bytes]], *, as_json: bool) -> None:
    from roadstead.control.linkify import linked
    from roadstead.linkify import linkify_markdown

    result = linkify_markdown(linkers, _whole(chunks))
    if as_json:
        print_json(linked(result))
        return
    _write(result.markdown)
    _tell_limits(result.unfinished)


def _whole(chunks: Iterable[list[bytes]]) -> str:
    return _decode(b"".join(itertools.chain.from_iterable(chunks)))


def _write(text: str) -> None:
    sys.stdout.buffer.write(_encode(text))
    sys.stdout.buffer.flush()


def _tell_limits(unfinished: "Iterable[Unfinished]") -> None:
    for limit in unfinished:
        tell(f"Left unlinked in part: {_limit(limit)}")


def _limit(limit: "Unfinished") -> str:
    return f"{limit.linker.app_key} {limit.linker.key}: {limit.reason}" if limit.linker else limit.reason


def lines_as_they_come(source: BinaryIO) -> Iterator[list[bytes]]:
    """The lines of a stream, as many at a time as are there, each with its end."""
    read = source.read1 if isinstance(source, io.BufferedReader) else source.read
    begun = b""
    while chunk := read(CHUNK_BYTES):
        begun += chunk
        end = len(begun) if len(begun) > LONGEST_LINE else begun.rfind(b"\n") + 1
        yield io.BytesIO(begun[:end]).readlines()
        begun = begun[end:]
    if begun:
        yield [begun]


def _open(file: str) -> BinaryIO:
    try:
        return Path(file).open("rb")
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise InvalidInput(f"{file} cannot be read: {reason}.", "Give a text file, or - for standard input.") from exc


def _watched(source: BinaryIO, opened: ExitStack) -> Iterable[list[bytes]]:
    """Return the lines, with a progress bar while many of them go from a file to somewhere else than the terminal."""
    if source is sys.stdin.buffer or not sys.stderr.isatty() or sys.stdout.isatty():
        return lines_as_they_come(source)
    size = Path(source.name).stat().st_size
    if size <= LONGEST_LINE:
        return lines_as_they_come(source)
    from rich.progress import Progress

    from roadstead.cli.output import console

    # What is printed goes elsewhere, so it does not have to make way for the bar.
    bar = opened.enter_context(Progress(console=console(stderr=True), transient=True, redirect_stdout=False))
    return lines_as_they_come(bar.wrap_file(source, total=size, description="Linking"))


def _decode(content: bytes) -> str:
    """Bytes that are not UTF-8 travel through as what they are."""
    return content.decode("utf-8", "surrogateescape")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
