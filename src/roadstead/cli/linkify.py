"""`roadstead linkify`: link any text with the linkers of a workspace.

Git runs it for every page, so the first line must be there within a tenth of a second. Modules that only other inputs
and outputs need are imported late.
"""

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from enum import StrEnum
from typing import Annotated, BinaryIO

from roadstead.cli.colours import Colour, has_colours
from roadstead.cli.declared import Argument, Option, WrongUsage
from roadstead.cli.host_lines import Lines, lines_of
from roadstead.cli.input_lines import Chunks, opened
from roadstead.cli.options import DEFAULT_WORKSPACE, Color, Data, DatabaseUrl, LinkersWithoutValues
from roadstead.cli.paging import needs_pager, pager


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
"""The formats for each input; the first is the default."""


def linkify(
    file: Annotated[str, Argument(metavar="FILE|-", help="UTF-8 text; - is standard input.")] = "-",
    workspace: Annotated[str, Option("--workspace", metavar="SLUG", help="Whose linkers to use.")] = DEFAULT_WORKSPACE,
    input: Annotated[
        Input,
        Option(
            "--input",
            metavar="text|html|markdown",
            help="html and markdown are one document, whose texts are linked. HTML comes out safe.",
        ),
    ] = Input.TEXT,
    format: Annotated[
        Format | None,
        Option(
            "--format",
            metavar="html|markdown|terminal|json",
            help="markdown reads Markdown, too. json is one document for all lines: text, links, unfinished. "
            "Default: terminal on a terminal, plain text elsewhere; what the input is for html and markdown.",
        ),
    ] = None,
    explain: Annotated[
        bool, Option("--explain", help="Say for each candidate why it is a link or not. Formats: terminal, json.")
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
        raise WrongUsage("--format", f"{input} input is printed as {' or '.join(FORMATS[input])}.")
    if explain and (input is not Input.TEXT or format not in (None, Format.TERMINAL, Format.JSON)):
        raise WrongUsage("--explain", "text is explained, as terminal or as json.")
    form = format or FORMATS[input][0]
    settings = {"data": data, "database_url": database_url, "linkers_without_values": linkers_without_values}
    if explain or input is not Input.TEXT or form not in (Format.TERMINAL, Format.HTML):
        from roadstead.cli.documents import print_document
        from roadstead.cli.linkers import linkers_of

        linkers = linkers_of(settings, workspace)
        with opened(file) as (_, chunks):
            print_document(linkers, chunks, input, form, explain=explain)
        return
    # A format that is named applies in a pipe, too: `… | roadstead linkify --format terminal | less -R`.
    chosen = Colour.ALWAYS if format is Format.TERMINAL and color is Colour.AUTO else color
    as_links = "terminal" if has_colours(sys.stdout, chosen) else "text"
    lines = lines_of(settings, workspace, "html" if form is Format.HTML else as_links)
    with opened(file) as (source, chunks):
        if form is Format.HTML:
            _print_page(lines, chunks)
        else:
            with pager() if needs_pager(source) else nullcontext(sys.stdout.buffer) as shown:
                _print_lines(lines, chunks, shown)
    _tell_limits(lines.end())


def _print_page(lines: Lines, chunks: Chunks) -> None:
    to = sys.stdout.buffer
    to.write(b"<pre>\n")  # otherwise a browser would join the lines
    to.flush()
    _print_lines(lines, chunks, to)
    to.write(b"</pre>\n")
    to.flush()


def _print_lines(lines: Lines, chunks: Chunks, to: BinaryIO) -> None:
    """Print each line as soon as it is complete."""
    for chunk in chunks:
        for some in lines.rendered(chunk):
            to.write(some)
            to.flush()


def _tell_limits(limits: Mapping[str, int]) -> None:
    for limit, times in limits.items():
        from roadstead.cli.output import tell

        tell(f"Left unlinked in {times} lines: {limit}")
