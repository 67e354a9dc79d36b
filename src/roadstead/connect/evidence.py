"""
The facts that only a host knows of a token that was presented to it. They change with the next installation, so a host
that wants to explain a refusal later keeps them from the moment of the call.
"""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["passes", "fails", "warning", "unknown"]
"""`warning`: accepted, but not as it should be. `unknown`: another check must pass first."""


@dataclass(frozen=True, slots=True)
class Known:
    """An installation that this host knows of."""

    app_key: str
    client_key: str
    workspace: str
    installed: bool


@dataclass(frozen=True, slots=True)
class Check:
    """The finding of one check, in a sentence or two, and what to do about it."""

    name: str
    verdict: Verdict
    finding: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    The host's facts about a token at one moment; no secret.

    `installations` are those that the token may mean, and `signature` says which secret it was signed with.
    """

    installations: tuple[Known, ...]
    signature: Check
