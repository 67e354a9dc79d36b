"""The outputs of `roadstead linkify` that are one document: JSON, HTML and Markdown, and explanations."""

import itertools
import sys
from collections.abc import Iterable
from typing import Any

from roadstead.cli.explained import print_explained
from roadstead.cli.input_lines import Chunks
from roadstead.cli.output import print_json, tell
from roadstead.control.linkify import Limit, linked, linked_html
from roadstead.domain.linking.lines import LinkedLines, decoded, encoded, in_words
from roadstead.linkify import CompiledLinkers, Unfinished, linkify_html, linkify_markdown


def print_document(linkers: CompiledLinkers, chunks: Chunks, input: str, form: str, *, explain: bool) -> None:
    """Print what the linkers find, in a form that is made of the whole input."""
    as_json = form == "json"
    if explain:
        print_explained(linkers, chunks, as_json=as_json)
    elif input == "html":
        _print_html(linkers, chunks, as_json=as_json)
    elif "markdown" in (input, form):
        _print_markdown(linkers, chunks, as_json=as_json)
    else:
        _print_lines(linkers, chunks)


def _print_lines(linkers: CompiledLinkers, chunks: Chunks) -> None:
    """Print all lines as one document, whose offsets are those of the whole text."""
    texts: list[str] = []
    links: list[dict[str, Any]] = []
    unfinished: list[Limit] = []
    start = 0
    lines = LinkedLines(linkers)
    for line in itertools.chain.from_iterable(chunks):
        found = linked(lines.linkify(decoded(line)))
        texts.append(found["text"])
        links += ({**link, "start": start + link["start"], "end": start + link["end"]} for link in found["links"])
        unfinished += (one for one in found["unfinished"] if one not in unfinished)
        start += len(found["text"])
    print_json({"text": "".join(texts), "links": links, "unfinished": unfinished})


def _print_html(linkers: CompiledLinkers, chunks: Chunks, *, as_json: bool) -> None:
    html = _whole(chunks)
    result = linkify_html(linkers, html)
    if as_json:
        print_json(linked_html(html, result))
        return
    _write(result.html)
    if html.endswith("\n") and not result.html.endswith("\n"):
        _write("\n")  # the newline belongs to no element
    _tell_limits(result.unfinished)


def _print_markdown(linkers: CompiledLinkers, chunks: Chunks, *, as_json: bool) -> None:
    result = linkify_markdown(linkers, _whole(chunks))
    if as_json:
        print_json(linked(result))
        return
    _write(result.markdown)
    _tell_limits(result.unfinished)


def _whole(chunks: Chunks) -> str:
    return decoded(b"".join(itertools.chain.from_iterable(chunks)))


def _write(text: str) -> None:
    sys.stdout.buffer.write(encoded(text))
    sys.stdout.buffer.flush()


def _tell_limits(unfinished: Iterable[Unfinished]) -> None:
    for limit in unfinished:
        tell(f"Left unlinked in part: {in_words(limit)}")
