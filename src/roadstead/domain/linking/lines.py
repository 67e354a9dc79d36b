"""Lines linked one by one, each as a separate text, as `roadstead linkify` prints them."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from roadstead import linkify
from roadstead.domain.linking.parking import LinkerRecords, links_by_linker

if TYPE_CHECKING:
    from roadstead.linkify import CompiledLinkers, Linker, Linkified, Unfinished


def _as_text(linkified: "Linkified") -> str:
    return linkified.text


def _as_links(linkified: "Linkified") -> str:
    return linkify.render_terminal(linkified, underline=True)


def _as_html(linkified: "Linkified") -> str:
    return linkify.render_html(linkified)


RENDERERS: "dict[str, Callable[[Linkified], str]]" = {"text": _as_text, "terminal": _as_links, "html": _as_html}
"""The output forms of a line."""


class CountedLine(NamedTuple):
    """What a host counts of a line."""

    length: int
    links: "Counter[Linker]"
    unfinished: "Sequence[Unfinished]"
    seconds: float


class LinkedLines:
    """The linkers for many lines. One that keeps running out of time is parked, as the host parks it.

    `limits` counts the lines on which each limit was met. `watch` is called for each line.
    """

    def __init__(
        self, linkers: "CompiledLinkers", form: str = "text", watch: Callable[[CountedLine], None] | None = None
    ) -> None:
        self._linkers = linkers
        self._watch = watch
        self._render = RENDERERS[form]
        self._records = LinkerRecords()
        self.limits = Counter[str]()

    def linkify(self, line: str) -> "Linkified":
        """Return the links of a line."""
        began = time.perf_counter()
        result = self._records.without_parked(self._linkers).linkify(line)
        if self._watch is not None:
            took = time.perf_counter() - began
            self._watch(CountedLine(len(line), links_by_linker(result.links), result.unfinished, took))
        if result.unfinished:
            self._records.add(len(line), {}, result.unfinished)
            self.limits.update(map(in_words, result.unfinished))
        return result

    def rendered(self, lines: Iterable[bytes]) -> Iterable[bytes]:
        """Yield each line with its links."""
        return (encoded(self._render(self.linkify(decoded(line)))) for line in lines)


def in_words(limit: "Unfinished") -> str:
    """Return which linker met which limit."""
    return f"{limit.linker.app_key} {limit.linker.key}: {limit.reason}" if limit.linker else limit.reason


def decoded(content: bytes) -> str:
    """Return the text. Bytes that are not UTF-8 are preserved."""
    return content.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """Return the bytes that `decoded` was given."""
    return text.encode("utf-8", "surrogateescape")
