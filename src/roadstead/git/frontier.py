"""Where the next page of a history begins, as a text that a reader hands back."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import NamedTuple, Self

from roadstead.errors import InvalidInput

_ID = 20
_MOST_SHOWN = 100


class Frontier(NamedTuple):
    """Commits that come next, and shown ones that they might lead to again: those of the very same second."""

    open: Sequence[str]
    shown: Sequence[str] = ()

    @classmethod
    def of(cls, text: str) -> Self:
        """Return a frontier from its text. Raise `InvalidInput`."""
        open_, _, shown = text.partition(".")
        frontier = cls(_ids(open_), _ids(shown))
        if not frontier.open:
            raise not_ours()
        return frontier

    def text(self) -> str:
        """Return it as a text of 27 characters for each commit."""
        shown = list(self.shown)[-_MOST_SHOWN:]
        return ".".join(_text(ids) for ids in (self.open, shown) if ids)


def not_ours() -> InvalidInput:
    """Return the error for a text that never was a continuation of a list."""
    return InvalidInput("This is no page of the list.", "Follow the address in `next`, unchanged.")


def _text(ids: Sequence[str]) -> str:
    return b64encode(bytes.fromhex("".join(ids)), b"-_").decode().rstrip("=")


def _ids(text: str) -> list[str]:
    try:
        data = b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError as exc:
        raise not_ours() from exc
    if len(data) % _ID:
        raise not_ours()
    return [data[at : at + _ID].hex() for at in range(0, len(data), _ID)]
