"""`roadstead check`: lint a descriptor, and judge the patterns of its linkers."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from roadstead.cli.declared import Argument
from roadstead.cli.options import AllowTarget, AsJson, Data, read_settings
from roadstead.cli.output import print_json, styled, tell
from roadstead.errors import InvalidInput
from roadstead.plain import plain

if TYPE_CHECKING:
    from roadstead.connect import Finding
    from roadstead.domain.apps.check import CheckedLinker, Verdict
    from roadstead.settings import Settings

_STYLES = {"error": "red", "warning": "yellow", "note": "cyan"}


def check(
    descriptor: Annotated[str, Argument(metavar="DESCRIPTOR", help="A file, a URL, or - for standard input.")],
    data: Data = None,
    allow_target: AllowTarget = None,
    as_json: AsJson = False,
) -> None:
    """Lint a descriptor and judge its linkers' patterns.

    Says where each problem is and how to fix it. Exits 1 when there is an error, for which an installation would be
    refused.
    """
    from roadstead.domain.apps import check as domain

    verdict = domain.check(_read(descriptor, data, allow_target))
    if as_json:
        print_json(_as_data(verdict))
    else:
        _print(descriptor, verdict)
    if not verdict.valid:
        sys.exit(1)


def _read(descriptor: str, data: str | None, allow_target: list[str] | None) -> bytes:
    if descriptor == "-":
        return sys.stdin.buffer.read()
    if descriptor.startswith(("http://", "https://")):
        return _fetch(descriptor, read_settings(data=data, allow_target=allow_target))
    try:
        return Path(descriptor).read_bytes()
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise InvalidInput(
            f"{descriptor} cannot be read: {reason}.", "Give a file, a URL, or - for standard input."
        ) from exc


def _fetch(url: str, settings: "Settings") -> bytes:
    import asyncio

    from roadstead.domain.apps.fetching import fetch_for

    return asyncio.run(fetch_for(settings, url))


def _print(descriptor: str, verdict: "Verdict") -> None:
    for finding in verdict.findings:
        _print_finding(descriptor, finding)
    for linker in verdict.linkers:
        print(plain(_in_words(linker)))
    tell(_summary(verdict))


def _print_finding(descriptor: str, finding: "Finding") -> None:
    place = f" {finding.place}:" if finding.place else ""
    where = f"{descriptor}:{finding.line}:{finding.column}: "
    severity = styled(finding.severity, _STYLES[finding.severity])
    print(f"{plain(where)}{severity}{plain(f':{place} {finding.message}')}")
    print(f"    {plain(finding.fix)}")


def _in_words(linker: "CheckedLinker") -> str:
    takes = "Takes values" if linker.takes_values else "Takes no values"
    witness = f" A backtracking engine takes long on {linker.witness.in_words()}." if linker.witness else ""
    return f"linker {linker.key}: {linker.reason}{witness} Groups: {linker.groups}. {takes}."


def _summary(verdict: "Verdict") -> str:
    counts = [
        f"{len(found)} {severity}{'s' if len(found) > 1 else ''}"
        for severity in _STYLES
        if (found := [finding for finding in verdict.findings if finding.severity == severity])
    ]
    return f"{'Valid' if verdict.valid else 'Not valid'}: {', '.join(counts) or 'nothing to remark'}."


def _as_data(verdict: "Verdict") -> dict[str, object]:
    return {
        "findings": [_finding_as_data(finding) for finding in verdict.findings],
        "linkers": [asdict(linker) for linker in verdict.linkers],
        "valid": verdict.valid,
    }


def _finding_as_data(finding: "Finding") -> dict[str, object]:
    return {
        "severity": finding.severity,
        "line": finding.line,
        "column": finding.column,
        "path": finding.place,
        "message": finding.message,
        "fix": finding.fix,
    }
