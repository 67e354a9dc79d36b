"""Address templates: `/2.0/addon/linkers/{linker_key}/values/{value_id:int}`.

One template matches requests, reads their parameters, and makes the links to the same address.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from roadstead.errors import NotFound

_PARAMETER = re.compile(r"\{(\w+)(?::(int|rest\??))?\}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_SHOWN_CHARACTERS = 40


class Template:
    """An address with parameters. `{name:int}` is a number, `{name:rest}` the whole rest of the path.

    `{name:rest?}` is the rest, too, and there may be none.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.path = _PARAMETER.sub(r"{\1}", text)
        """The address as documents and metrics write it."""
        self.segments = text.split("/")
        parameters: list[tuple[str, str]] = _PARAMETER.findall(text)
        self.names = [name for name, _ in parameters]
        """The names of the parameters, in order."""
        self._numbers = [name for name, kind in parameters if kind == "int"]
        self._kept = ["/" if kind.startswith("rest") else "" for _, kind in parameters]
        """For each parameter, the characters that are not quoted in a URL."""
        self._literals = _PARAMETER.split(text)[::3]

    def read(self, values: Sequence[str]) -> dict[str, Any]:
        """Return the parameters by name. Raise `NotFound` if one that must be a number is not."""
        parameters: dict[str, Any] = dict(zip(self.names, values, strict=False))
        if len(values) < len(self.names):
            parameters[self.names[-1]] = ""
        for name in self._numbers:
            parameters[name] = _number(name, parameters[name])
        return parameters

    def url(self, base_url: str, *values: str | int) -> str:
        """Return the URL with these values as parameters; with fewer, the URL up to the first parameter left out."""
        return base_url + self._path(*values)

    @lru_cache(maxsize=4096)  # noqa: B019  # templates live as long as the process
    def _path(self, *values: str | int) -> str:
        path = self._literals[0]
        for value, kept, literal in zip(values, self._kept, self._literals[1:], strict=False):
            path += (str(value) if isinstance(value, int) else quote(value, safe=kept)) + literal
        return path


def _number(name: str, text: str) -> int:
    """Return a number in our notation: decimal digits, without the other forms that `int()` accepts."""
    if not _NUMBER.fullmatch(text):
        what = name.removesuffix("_id").replace("_", " ")
        raise NotFound(
            f"There is no {what} {text[:_SHOWN_CHARACTERS]!r}.", "An id is in a list, or in the answer of a creation."
        )
    return int(text)
