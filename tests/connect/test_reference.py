"""Proves that the reference page agrees with the code."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from roadstead.connect import check_descriptor, implied_by
from roadstead.connect.descriptor import PROPERTIES
from roadstead.connect.modules_reader import MODULE_NAMES
from roadstead.connect.scopes import DESCRIPTIONS
from tests.connect.descriptors import ONE_OF_EACH, TIDY, tidy, with_module, without

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "descriptor.md").read_text()


def table(heading: str) -> list[list[str]]:
    """Return the rows of the table below a heading, without its head."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def names_in(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def missing_in(descriptor: object) -> dict[str, set[str]]:
    """Return, by severity, the members that are reported missing."""
    found: dict[str, set[str]] = {"error": set(), "warning": set(), "note": set()}
    for finding in check_descriptor(json.dumps(descriptor)):
        found[finding.severity].add(finding.message.removesuffix(" is missing."))
    return found


PROPERTY_ROWS = [(row[0].strip("`"), row[2]) for row in table("Properties")]
MODULE_ROWS = [(row[0].strip("`"), names_in(row[1]), names_in(row[2])) for row in table("Modules")]


def test_page_names_every_property_and_module() -> None:
    """Proves that no row is missing and none is left over."""
    assert {name for name, _ in PROPERTY_ROWS} == PROPERTIES
    assert {name for name, *_ in MODULE_ROWS} == MODULE_NAMES


@pytest.mark.parametrize(("name", "severity"), PROPERTY_ROWS)
def test_page_says_what_happens_without_a_property(name: str, severity: str) -> None:
    """Proves the last column, row by row."""
    found = {finding.severity for finding in check_descriptor(json.dumps(without(TIDY, name)))}
    assert found == ({severity} if severity else set())


def cut_down(value: Any) -> Any:
    """Return a module of the kind without any member; routes of the proxy keep their path, which is outside them."""
    return {path: {} for path in value} if value is ONE_OF_EACH["proxy"] else {}


@pytest.mark.parametrize(("name", "errors", "warnings"), MODULE_ROWS)
def test_page_says_what_a_module_needs(name: str, errors: set[str], warnings: set[str]) -> None:
    """Proves that an empty module lacks exactly what the row says."""
    found = missing_in(with_module(name, cut_down(ONE_OF_EACH[name])))
    assert (found["error"], found["warning"]) == (errors, warnings)


def test_page_lists_the_scopes() -> None:
    """Proves the table of scopes: names, descriptions and implications."""
    rows = {row[0].strip("`"): (row[1], names_in(row[2])) for row in table("Scopes")}
    assert rows == {
        scope: (description, set(implied_by([scope])) - {scope}) for scope, description in DESCRIPTIONS.items()
    }


def test_tidy_descriptor_has_no_findings() -> None:
    """Proves that what the other tests take away from is itself in order."""
    assert check_descriptor(json.dumps(tidy())) == []
