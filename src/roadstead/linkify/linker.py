"""What linkify takes and gives: linkers in, links and pieces of text out."""

from collections.abc import Iterator, Set
from dataclasses import dataclass, field

import msgspec


class InvalidPattern(ValueError):
    """A linker's `regex` or `url` cannot be used; the message is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class Linker:
    r"""What to match in a text, and where a match leads.

    `regex` is Python `re` syntax and may hold `(?K)`; `url` is a template with `\1`…`\99` and `\g<name>`,
    absolute or relative to `base_url`. Each of `values` is a full match of `[\w\-]+`, 255 characters at most
    (any other never matches); there may be a million, and no text makes linkify walk through them.
    `principal_uuid` is written with its braces.
    """

    key: str
    regex: str
    url: str
    base_url: str = ""
    values: Set[str] = field(default=frozenset(), repr=False, compare=False)  # to compare a million costs
    app_key: str = ""
    principal_uuid: str = ""

    def __hash__(self) -> int:
        # Asked for at every link. An app's linkers have the same keys in every workspace, but not the same principal.
        return hash(self.key) ^ hash(self.principal_uuid)


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """A stretch of a text. Offsets count characters."""

    start: int
    end: int
    text: str


class Link(Stretch, frozen=True, gc=False):
    """A stretch of the text that leads somewhere. A bare URL has no `linker`.

    `url` is ASCII, free of spaces, quotes and control characters, and starts with `http:`, `https:` or
    `mailto:`.
    """

    url: str
    linker: Linker | None


class Unfinished(msgspec.Struct, frozen=True):
    """A limit that was reached on a text, by a linker or, without one, by the text as a whole.

    The links found up to that place are kept. `out_of_time` tells the limit that a hostile pattern runs into
    from those that any linker may meet in a large text.
    """

    linker: Linker | None
    reason: str
    out_of_time: bool = False


class Linkified(msgspec.Struct, frozen=True):
    """A text and its links, which are sorted and do not overlap."""

    text: str
    links: tuple[Link, ...]
    unfinished: tuple[Unfinished, ...] = ()

    def pieces(self) -> Iterator[str | Link]:
        """Yield plain stretches and links in order; their texts joined are exactly the input."""
        position = 0
        for link in self.links:
            if position < link.start:
                yield self.text[position : link.start]
            yield link
            position = link.end
        if position < len(self.text):
            yield self.text[position:]
