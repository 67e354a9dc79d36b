"""How a command declares its options and arguments, without the library that reads them.

`commands` hands all declarations to Typer; `quick` reads those of a command that has to start at once by itself.
"""

from typing import Any


class Declared:
    """What a command takes: its names, and its `settings` in the words of Typer."""

    def __init__(self, *names: str, help: str, **settings: Any) -> None:
        self.names = names
        self.settings = {"help": help, **settings}


class Option(Declared):
    """What is given by name, in any order."""


class Argument(Declared):
    """What is given by its place."""


class WrongUsage(Exception):
    """An option cannot have the value, or not beside another option."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option
        self.message = message
