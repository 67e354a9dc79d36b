"""Address templates: `/2.0/addon/linkers/{linker_key}/values/{value_id:int}`.

One template matches requests, reads their parameters, and makes the links to the same address.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from roadstead.errors import NotFound

_PARAMETER = re.compile(r"\{(\w+)(?::(int|rest))?\}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_SHOWN_CHARACTERS = 40


class Template:
    """An address with parameters. `{name:int}` is a number, `{name:rest}` the whole rest of the path."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.path = _PARAMETER.sub(r"{\1}", text)
        """The address as documents and metrics write it."""
        self.segments = text.split("/")
        self._parameters: list[tuple[str, str]] = _PARAMETER.findall(text)
        self._literals = _PARAMETER.split(text)[::3]

    @property
    def names(self) -> list[str]:
        """The names of the parameters, in order."""
        return [name for name, _ in self._parameters]

    def read(self, values: Sequence[str]) -> dict[str, Any]:
        """Return the parameters by name. Raises `NotFound` where a number is wanted and something else given."""
        return {
            name: _number(name, text) if kind == "int" else text
            for (name, kind), text in zip(self._parameters, values, strict=True)
        }

    def url(self, base_url: str, *values: str | int) -> str:
        """Return the URL with these values as parameters; with fewer, the URL up to the first parameter left out."""
        parts = [base_url]
        for (_, kind), literal, value in zip(self._parameters, self._literals, values, strict=False):
            parts += (literal, _quoted(str(value), "/" if kind == "rest" else ""))
        parts.append(self._literals[len(values)])
        return "".join(parts)


@lru_cache(maxsize=4096)
def _quoted(text: str, safe: str) -> str:
    return quote(text, safe=safe)


def _number(name: str, text: str) -> int:
    """Return a number as we write it: decimal digits, and nothing else that `int()` would take."""
    if not _NUMBER.fullmatch(text):
        what = name.removesuffix("_id").replace("_", " ")
        raise NotFound(
            f"There is no {what} {text[:_SHOWN_CHARACTERS]!r}.", "An id is the one that a list or a creation gave."
        )
    return int(text)
