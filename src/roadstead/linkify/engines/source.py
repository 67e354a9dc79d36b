r"""The input of an engine: source text, with the places of the pattern's groups in it.

Both engines get plain constructs only. Every class is spelled out, every literal is a class or an escape, and no flag
is set. So nothing depends on an engine's own meaning of `\w` or case, or on syntax that Python does not have.
"""

from collections.abc import Mapping

import msgspec

ValueChoice = tuple[str, ...] | None
r"""The values that `(?K)` may be, in order of preference, or `ANY_VALUE` for any match of `[\w\-]+`."""

ANY_VALUE: None = None


class Source(msgspec.Struct, frozen=True, gc=False):
    """An engine's source text, and which of its groups are the pattern's. Group 0 is the whole match."""

    text: str
    groups: Mapping[int, int]


class ProgramRefused(Exception):
    """The engine does not accept the source, or its program is larger than the limit."""
