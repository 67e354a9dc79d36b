"""`/-/apps/…/descriptor`: the descriptor in force, and the remarks on it."""

import asyncio
import json
from dataclasses import dataclass

from starlette.responses import Response

from roadstead.connect import Descriptor
from roadstead.domain.apps.check import check
from roadstead.domain.apps.descriptors import stored_descriptor
from roadstead.web.apps import AppHead, app_of, head_of
from roadstead.web.descriptor_view import ShownFinding, with_excerpts
from roadstead.web.page import Visit, render

_LINES = 1_500
"""Lines of a descriptor that are shown."""


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    text: str
    findings: list[ShownFinding]


@dataclass(frozen=True, slots=True)
class DescriptorPage:
    """Context of `app_descriptor.html`. `omitted` is the number of lines that are not shown."""

    head: AppHead
    descriptor_url: str
    findings: list[ShownFinding]
    lines: list[Line]
    omitted: int


async def show(visit: Visit) -> Response:
    app = await app_of(visit)
    # In a thread, because a large document takes tens of milliseconds.
    findings, written = await asyncio.to_thread(_checked, stored_descriptor(app.descriptor))
    of_line: dict[int, list[ShownFinding]] = {}
    for finding in findings:
        of_line.setdefault(finding.line or 1, []).append(finding)
    page = DescriptorPage(
        head=head_of(app, "/descriptor"),
        descriptor_url=app.descriptor_url,
        findings=findings,
        lines=[Line(number, line, of_line.get(number, [])) for number, line in enumerate(written[:_LINES], 1)],
        omitted=max(0, len(written) - _LINES),
    )
    return render("app_descriptor.html", page, visit=visit)


def _checked(descriptor: Descriptor) -> tuple[list[ShownFinding], list[str]]:
    """Return the findings in the descriptor, and its lines, indented."""
    text = json.dumps(descriptor.source, indent=2, ensure_ascii=False)
    document = text.encode()
    return with_excerpts(document, check(document).findings), text.split("\n")
