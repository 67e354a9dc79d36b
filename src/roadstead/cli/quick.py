"""Commands that must start fast: their arguments are read here, because Typer takes 50 ms.

A command declares its parameters once, for both. Only ordinary arguments are read here; everything else, `--help` and
mistakes included, is left to Typer.
"""

from collections.abc import Sequence
from types import FunctionType
from typing import Any, NamedTuple, get_args

from roadstead.cli.declared import Argument, Option, WrongUsage
from roadstead.cli.streams import mend_streams, output
from roadstead.errors import RoadsteadError


class NotOrdinary(Exception):
    """Typer must read the arguments. Nothing was done."""


def run(command: FunctionType, arguments: Sequence[str]) -> int:
    """Run a command and return its exit code. Raises `NotOrdinary`."""
    given = read(command, arguments)
    mend_streams()
    try:
        with output():
            command(**given)
    except WrongUsage as error:
        raise NotOrdinary from error
    except RoadsteadError as error:
        from roadstead.cli.output import refuse

        return refuse(error, as_json=given.get("as_json", False))
    except BrokenPipeError:  # such as the end of `| head`
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def read(command: FunctionType, arguments: Sequence[str]) -> dict[str, Any]:
    """Return the command's parameters that the arguments give. Raises `NotOrdinary`."""
    options, places = _declared_by(command)
    given: dict[str, Any] = {}
    words = iter(arguments)
    for word in words:
        name, equals, text = word.partition("=")
        if name in options and options[name].kind is bool and not equals:
            given[options[name].parameter] = True
        elif name in options:
            options[name].take(text if equals else next(words, "-"), given)
        elif places:
            one = places.pop(0)
            given[one.parameter] = word if word == "-" else one.read(word)
        else:
            raise NotOrdinary
    if not given.keys() >= _needed_by(command):
        raise NotOrdinary
    return given


class _Taken(NamedTuple):
    """A parameter, and the type of its value: `bool`, `str`, a class of choices, or one of these and `None`.

    If the type is `list[str] | None`, the parameter may be repeated.
    """

    parameter: str
    kind: Any

    @property
    def is_list(self) -> bool:
        return list[str] in get_args(self.kind)

    def take(self, text: str, given: dict[str, Any]) -> None:
        """Add the value that a text means to what is given. Raises `NotOrdinary`."""
        value = self.read(text)
        if self.is_list:
            given.setdefault(self.parameter, []).append(value)
        else:
            given[self.parameter] = value

    def read(self, text: str) -> str:
        """Return the value that a text means. Raises `NotOrdinary`."""
        kinds = [str] if self.is_list else (self.kind, *get_args(self.kind))
        choices = [one for one in kinds if isinstance(one, type) and issubclass(one, str)]
        if not choices or text.startswith("-") or not text.isprintable():
            raise NotOrdinary
        try:
            value: str = choices[0](text)
        except ValueError as exc:
            raise NotOrdinary from exc
        return value


def _declared_by(command: FunctionType) -> tuple[dict[str, _Taken], list[_Taken]]:
    """Return the options by their names, and the arguments in their order."""
    options: dict[str, _Taken] = {}
    places: list[_Taken] = []
    for parameter, annotation in command.__annotations__.items():
        match get_args(annotation):
            case kind, Option(names=names):
                options |= dict.fromkeys(names, _Taken(parameter, kind))
            case kind, Argument():
                places.append(_Taken(parameter, kind))
    return options, places


def _needed_by(command: FunctionType) -> set[str]:
    """Return the parameters without a default."""
    parameters = command.__code__.co_varnames[: command.__code__.co_argcount]
    return set(parameters[: len(parameters) - len(command.__defaults__ or ())])
