"""Printing tokens and their diagnoses."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from roadstead.cli.output import columns, hanging, print_facts, print_table, styled, when
from roadstead.cli.tables import Row
from roadstead.plain import plain

if TYPE_CHECKING:
    from roadstead.connect.diagnosis import Diagnosis

_MOMENTS = frozenset({"exp", "iat", "nbf"})
_LABEL = 18
"""Columns. The width of the words before a canonical request."""


def print_token(header: Mapping[str, object], claims: Mapping[str, object]) -> None:
    """Print the header and the claims of a token, its Unix times also as local times."""
    print_facts([(name, _claim(name, value)) for name, value in (*header.items(), *claims.items())])


def _claim(name: str, value: object) -> str:
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if name not in _MOMENTS or not isinstance(value, (int, float)):
        return shown
    try:
        return f"{shown}  ({when(datetime.fromtimestamp(value, UTC))})"
    except (ValueError, OverflowError, OSError):  # Not a date that a calendar has.
        return shown


def print_diagnosis(found: "Diagnosis") -> None:
    """Print every check, the requests behind the hashes, and the cause with what to do about it."""
    print_table(("CHECK", "VERDICT", "FOUND"), [Row((one.name, one.verdict, one.finding)) for one in found.checks])
    print()
    if found.hashed is None or found.difference is None:
        print(f"{'the host hashed':{_LABEL}}{plain(found.canonical)}")
    else:
        _compare(plain(found.canonical), plain(found.hashed.canonical), found.difference)
    print()
    if found.cause is None:
        print("The token is valid for this request.")
    else:
        print(f"{styled('Cause', 'bold')}: {hanging(found.cause.finding, 7)}")
        print(f"{'':7}{hanging(found.cause.fix, 7)}")


def _compare(ours: str, theirs: str, difference: int) -> None:
    """Print two canonical requests, one below the other, with a mark where they first differ."""
    width = columns()
    room = max(20, width - _LABEL) if width else max(len(ours), len(theirs))
    for start in range(0, max(len(ours), len(theirs)), room):
        print(f"{'the host hashed':{_LABEL}}{ours[start : start + room]}")
        print(f"{'the token hashed':{_LABEL}}{theirs[start : start + room]}")
        if start <= difference < start + room:
            print(f"{'':{_LABEL + difference - start}}^")
