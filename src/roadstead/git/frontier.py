"""Where the next page of a history begins, as a text that a reader hands back."""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from roadstead.errors import InvalidInput

_ID_BYTES = 20
_MOST_SHOWN = 100


class Frontier(NamedTuple):
    """Commits that come next, and shown ones that they might lead to again: those of the very same second."""

    open: Sequence[str]
    shown: Sequence[str] = ()

    @classmethod
    def of(cls, text: str) -> Self:
        """Return a frontier from its text. Raise `InvalidInput`."""
        open_, _, shown = text.partition(".")
        frontier = cls(ids_in(from_text(open_)), ids_in(from_text(shown)))
        if not frontier.open:
            raise not_ours()
        return frontier

    def text(self) -> str:
        """Return it as a text of 27 characters for each commit."""
        shown = list(self.shown)[-_MOST_SHOWN:]
        return ".".join(to_text(bytes_of(ids)) for ids in (self.open, shown) if ids)


def not_ours() -> InvalidInput:
    """Return the error for a text that never was a continuation of a list."""
    return InvalidInput("This is no page of the list.", "Follow the address in `next`, unchanged.")


def to_text(data: bytes) -> str:
    """Return bytes as a text for an address."""
    return b64encode(data, b"-_").decode().rstrip("=")


def from_text(text: str) -> bytes:
    """Return the bytes that `to_text` made a text of. Raise `InvalidInput` for any other text."""
    try:
        return b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError as exc:
        raise not_ours() from exc


def ids_in(data: bytes) -> tuple[str, ...]:
    """Return the ids that stand in bytes, one after the other. Raise `InvalidInput` if the last is cut off."""
    if len(data) % _ID_BYTES:
        raise not_ours()
    return tuple(data[at : at + _ID_BYTES].hex() for at in range(0, len(data), _ID_BYTES))


def bytes_of(ids: Iterable[str]) -> bytes:
    """Return ids as bytes, one after the other."""
    return bytes.fromhex("".join(ids))
