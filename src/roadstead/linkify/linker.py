"""The input and output of linkify: linkers, and a text with its links."""

from collections.abc import Iterator, Set
from dataclasses import dataclass, field

import msgspec


class InvalidPattern(ValueError):
    """A linker's `regex` or `url` cannot be used. The message says in one sentence why."""


@dataclass(frozen=True, slots=True)
class Linker:
    r"""A pattern, and the target of its matches.

    `regex` is Python `re` syntax, with `(?K)` for one of the `values`. `url` is a template with `\1`…`\99` and
    `\g<name>`, absolute or relative to `base_url`. A value is a full match of `[\w\-]+` of 255 characters at most; any
    other never matches. There may be a million values, and no text makes linkify go through them all. `principal_uuid`
    includes its braces.
    """

    key: str
    regex: str
    url: str
    base_url: str = ""
    values: Set[str] = field(default=frozenset(), repr=False, compare=False)  # comparing a million would take long
    app_key: str = ""
    principal_uuid: str = ""

    def __hash__(self) -> int:
        # Each link needs it. An app's linkers have the same keys in every workspace, but not the same principal.
        return hash(self.key) ^ hash(self.principal_uuid)


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """A stretch of a text. Offsets count characters."""

    start: int
    end: int
    text: str


class Link(Stretch, frozen=True, gc=False):
    """A stretch of the text with a target. A bare URL has no `linker`, nor has a reference.

    `url` is ASCII without spaces, quotes and control characters, and starts with `http:`, `https:` or `mailto:`; that
    of a reference may be a path.
    """

    url: str
    linker: Linker | None


class Unfinished(msgspec.Struct, frozen=True):
    """A limit that was reached on a text: by a linker or, where `linker` is `None`, by the text as a whole.

    The links found before are kept. `out_of_time` marks the limit that a hostile pattern reaches. Any linker may reach
    the others on a large text.
    """

    linker: Linker | None
    reason: str
    out_of_time: bool = False


class Linkified(msgspec.Struct, frozen=True):
    """A text and its links, in order and without overlaps."""

    text: str
    links: tuple[Link, ...]
    unfinished: tuple[Unfinished, ...] = ()

    def pieces(self) -> Iterator[str | Link]:
        """Yield plain stretches and links in order. Their texts joined are the input."""
        position = 0
        for link in self.links:
            if position < link.start:
                yield self.text[position : link.start]
            yield link
            position = link.end
        if position < len(self.text):
            yield self.text[position:]
