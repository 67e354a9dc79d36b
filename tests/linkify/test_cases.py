"""The table of texts and their links; see cases.toml."""

import doctest
import tomllib
from pathlib import Path
from typing import Any

import pytest

from roadstead import linkify
from roadstead.linkify import Link, Linker, compile_linkers

CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("cases.toml").read_text("utf-8"))["case"]


def linker(table: dict[str, Any]) -> Linker:
    defaults = {"key": "tickets", "url": r"https://t.example/\g<0>"}
    return Linker(**defaults | table | {"values": frozenset(table.get("values", []))})


def facts(link: Link) -> dict[str, Any]:
    return {
        "text": link.text,
        "url": link.url,
        "key": link.linker.key if link.linker else "",
        "start": link.start,
    }


@pytest.mark.sample(30)
@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_text_is_linked_as_the_table_says(case: dict[str, Any]) -> None:
    """Each case's text gives exactly its links, in order, and its pieces joined give the text."""
    compiled = compile_linkers(
        [linker(table) for table in case["linkers"]], without_values=case.get("without_values", "everything"), budget=10
    )
    linkified = compiled.linkify(case["text"])
    expected = [link if isinstance(link, dict) else {"text": link} for link in case["links"]]
    found = [facts(link) for link in linkified.links]
    assert [link["text"] for link in found] == [link["text"] for link in expected]
    for actual, wanted in zip(found, expected, strict=True):
        assert wanted.items() <= actual.items()
    assert not linkified.unfinished
    assert case["text"] == "".join(piece if isinstance(piece, str) else piece.text for piece in linkified.pieces())


def test_example_of_the_package_works() -> None:
    """The package's first example gives the documented result."""
    assert doctest.testmod(linkify) == (0, 3)
