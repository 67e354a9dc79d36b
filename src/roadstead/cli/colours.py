"""Whether output may contain escape sequences."""

import os
from enum import StrEnum
from typing import TextIO


class Colour(StrEnum):
    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


def has_colours(stream: TextIO, choice: str = Colour.AUTO) -> bool:
    """Return whether a stream shows colours: if so chosen, or a terminal that knows them, unless `NO_COLOR` is set."""
    if choice == Colour.AUTO:
        return stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
    return choice == Colour.ALWAYS
