"""The content of a file, before it is asked for."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a file. `tag` tells it from any other.

    `read` returns it from one byte to before another: whole if it is short, otherwise in pieces. `disposition` says
    under which name a browser saves it.
    """

    tag: str
    type: str
    length: int
    read: Callable[[int, int], bytes | AsyncGenerator[bytes, None]]
    disposition: str = "attachment"
