"""
Read the members of JSON objects one by one, with a finding for each member that is wrong.

Reading continues after a fault, so that an author sees all of them; the value returned after an error is a substitute
that must not be used.
"""

import re
from collections.abc import Mapping

from roadstead.connect.findings import MAX_FINDINGS, Finding, Path, Severity, shown_name
from roadstead.connect.json_source import JsonSource

_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")


class TooManyFindings(Exception):
    """The report is full."""


class Report:
    """
    The findings so far. Adds to each the line and column of its value.

    Raises `TooManyFindings` when there are `MAX_FINDINGS` already.
    """

    def __init__(self, source: JsonSource) -> None:
        self.findings = list(source.findings)
        self._source = source

    def error(self, path: Path, message: str, fix: str) -> None:
        self.add("error", path, message, fix)

    def warning(self, path: Path, message: str, fix: str) -> None:
        self.add("warning", path, message, fix)

    def note(self, path: Path, message: str, fix: str) -> None:
        self.add("note", path, message, fix)

    def add(self, severity: Severity, path: Path, message: str, fix: str) -> None:
        if len(self.findings) >= MAX_FINDINGS:
            raise TooManyFindings
        self.findings.append(Finding(severity, path, message, fix, *self._source.position_of(path)))


class Members:
    """
    One JSON object. A member that is null counts as absent, because some serialisers write absent members so.

    `severity` is that of a finding about a missing member or one of the wrong type: an error unless the object is only
    displayed.
    """

    def __init__(self, members: Mapping[str, object], path: Path, report: Report) -> None:
        self.members = members
        self.path = path
        self.report = report

    def __contains__(self, name: str) -> bool:
        return self.members.get(name) is not None

    def path_of(self, name: str) -> Path:
        return (*self.path, name)

    def text(self, name: str, *, longest: int | None = None) -> str:
        """Return a required string; "" after reporting that it is missing, blank or not a string."""
        text = self.optional_text(name, longest=longest)
        if text is None and name not in self:
            self.missing(name)
        return text or ""

    def optional_text(self, name: str, *, longest: int | None = None, severity: Severity = "error") -> str | None:
        """Return a string, or None if it is absent or, after reporting that, not a usable string."""
        value = self.members.get(name)
        if value is None:
            return None
        path = self.path_of(name)
        if not isinstance(value, str):
            self.wrong_type(name, value, "a string", severity)
        elif not value.strip():
            self.report.add(severity, path, f"{name} is empty.", f"Give {name} a value.")
        elif "\0" in value:
            self.report.error(path, f"{name} holds a NUL character.", "Remove it; it cannot be stored.")
        elif longest is not None and len(value) > longest:
            message = f"{name} has {len(value)} characters, and {longest} are allowed."
            self.report.error(path, message, "Shorten it.")
        else:
            return value
        return None

    def identifier(self, name: str, *, longest: int | None = None) -> str:
        """Return a required string without control characters."""
        value = self.text(name, longest=longest)
        if _CONTROL_CHARACTER.search(value):
            self.report.error(self.path_of(name), f"{name} contains a control character.", "Remove it.")
        return value

    def integer(self, name: str) -> int | None:
        """Return an integer that is only displayed."""
        value = self.members.get(name)
        if value is None or type(value) is int:
            return value
        self.wrong_type(name, value, "an integer", "warning")
        return None

    def mapping(self, name: str, severity: Severity = "error") -> Mapping[str, object]:
        """Return the members of an object, none of them if it is absent."""
        value = self.members.get(name)
        if isinstance(value, dict):
            return value
        if value is not None:
            self.wrong_type(name, value, "an object", severity)
        return {}

    def child(self, name: str, severity: Severity = "error") -> "Members":
        """Return an object, to read its members; an empty one if it is absent."""
        return Members(self.mapping(name, severity), self.path_of(name), self.report)

    def objects(self, name: str) -> list["Members"]:
        """Return the objects of an array. One object without an array around it counts as an array of one."""
        value = self.members.get(name)
        if isinstance(value, dict):
            return [Members(value, self.path_of(name), self.report)]
        objects = []
        for index, item in enumerate(self._items(name)):
            if isinstance(item, dict):
                objects.append(Members(item, (*self.path_of(name), index), self.report))
            else:
                self._wrong_item(name, index, item, "objects")
        return objects

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the strings of an array."""
        texts = []
        for index, item in enumerate(self._items(name)):
            if isinstance(item, str):
                texts.append(item)
            else:
                self._wrong_item(name, index, item, "strings")
        return tuple(texts)

    def missing(self, name: str, severity: Severity = "error") -> None:
        self.report.add(severity, self.path, f"{name} is missing.", f"Add {name}.")

    def wrong_type(self, name: str, value: object, wanted: str, severity: Severity = "error") -> None:
        message = f"{shown_name(name)} is {_type_of(value)}, not {wanted}."
        self.report.add(severity, self.path_of(name), message, f"Make it {wanted}.")

    def _items(self, name: str) -> list[object]:
        value = self.members.get(name)
        if isinstance(value, list):
            return value
        if value is not None:
            self.wrong_type(name, value, "an array")
        return []

    def _wrong_item(self, name: str, index: int, item: object, wanted: str) -> None:
        path = (*self.path_of(name), index)
        self.report.error(path, f"{name} holds {_type_of(item)}.", f"Put only {wanted} there.")


def _type_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
