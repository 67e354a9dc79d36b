"""How a command declares its options and arguments, without the library that reads them.

`commands` passes all declarations to Typer; `quick` reads those of a command that must start fast.
"""

from typing import Any


class Declared:
    """The declaration of a parameter: its names, and its `settings` in the words of Typer.

    A number is `between` two others, both included.
    """

    def __init__(self, *names: str, help: str, between: tuple[int, int] | None = None, **settings: Any) -> None:
        self.names = names
        self.between = between
        self.settings = {"help": help, **settings}


class Option(Declared):
    """A parameter given by name, in any order."""


class Argument(Declared):
    """A parameter given by its position."""


class WrongUsage(Exception):
    """An option cannot have the value, or not beside another option."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option
        self.message = message
