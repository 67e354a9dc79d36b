"""All findings about a descriptor before it is installed.

`connect` judges the descriptor, `linkify` its linkers' patterns.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from roadstead.connect import Finding, check_descriptor
from roadstead.connect.findings import Path
from roadstead.connect.json_source import JsonSource, read_json
from roadstead.linkify import InvalidPattern, Linker, PatternReport, Witness, check_linker, may_run_out


@dataclass(frozen=True, slots=True)
class CheckedLinker:
    """The judgement of a linker's pattern; the members are those of `PatternReport`."""

    key: str
    engine: Literal["linear", "bounded"]
    groups: int
    takes_values: bool
    hostile: bool
    reason: str
    witness: Witness | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The findings, in the order of the text, and the linkers whose patterns can be used."""

    findings: tuple[Finding, ...]
    linkers: tuple[CheckedLinker, ...]

    @property
    def valid(self) -> bool:
        """Return whether the descriptor could be installed."""
        return all(finding.severity != "error" for finding in self.findings)


def check(document: bytes) -> Verdict:
    """Judge a descriptor's text. Never raises: its faults are in the findings."""
    source = read_json(document)
    findings = [_unless_template(finding, source.value) for finding in check_descriptor(document)]
    linkers: list[CheckedLinker] = []
    for path, linker in _linkers_in(source.value):
        try:
            report = check_linker(linker)
        except InvalidPattern as exc:
            findings.append(_finding(source, "error", (*path, "regex"), str(exc), "Correct the pattern or the URL."))
            continue
        linkers.append(_checked(linker, report))
        if may_run_out(report):
            fix = f"Keep its repeats from matching the same characters. {report.reason}"
            findings.append(_finding(source, "warning", (*path, "regex"), _SLOW, fix))
        findings += (_finding(source, "warning", (*path, "url"), *remark) for remark in report.remarks)
    findings.sort(key=lambda finding: (finding.line or 0, finding.column or 0))
    return Verdict(tuple(findings), tuple(linkers))


_PLACEHOLDER = re.compile(r"\{\{\w+\}\}", re.ASCII)
_SLOW = "The pattern can take very long on some texts, and is then stopped."


def _unless_template(finding: Finding, document: object) -> Finding:
    """Return the finding, or another one if the app fills in the value when it serves the descriptor."""
    value = _value_at(document, finding.path)
    placeholder = _PLACEHOLDER.search(value) if isinstance(value, str) else None
    if placeholder is None:
        return finding
    fix = (
        f"The app fills in {placeholder[0]} there, as in: roadstead check http://localhost:3000/atlassian-connect.json"
    )
    return replace(finding, message="This is a template of atlassian-connect-express; check the served URL.", fix=fix)


def _value_at(document: object, path: Path) -> object:
    value = document
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _linkers_in(document: object) -> Iterator[tuple[Path, Linker]]:
    """Yield the linkers that are complete enough to be judged, with their places."""
    modules = document.get("modules") if isinstance(document, dict) else None
    base_url = document.get("baseUrl") if isinstance(document, dict) else None
    if not isinstance(modules, dict):
        return
    name = "linkers" if "linkers" in modules else "linker"
    for path, module in _entries(("modules", name), modules.get(name)):
        key, regex, url = module.get("key"), module.get("regex"), module.get("url")
        if isinstance(key, str) and isinstance(regex, str) and isinstance(url, str):
            known_base = base_url if isinstance(base_url, str) else ""
            yield path, Linker(key=key, regex=regex, url=url, base_url=known_base)


def _entries(path: Path, modules: object) -> Iterator[tuple[Path, Mapping[str, object]]]:
    """Yield the modules of one kind, which may be in a list or, if there is only one, alone."""
    if isinstance(modules, dict):
        yield path, modules
    elif isinstance(modules, list):
        for index, module in enumerate(modules):
            if isinstance(module, dict):
                yield (*path, index), module


def _finding(source: JsonSource, severity: Literal["error", "warning"], path: Path, message: str, fix: str) -> Finding:
    line, column = source.position_of(path)
    return Finding(severity, path, message, fix, line, column)


def _checked(linker: Linker, report: PatternReport) -> CheckedLinker:
    return CheckedLinker(
        key=linker.key,
        engine=report.engine,
        groups=report.groups,
        takes_values=report.takes_values,
        hostile=report.hostile,
        reason=report.reason,
        witness=report.witness,
    )
