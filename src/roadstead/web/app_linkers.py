"""`/-/apps/…/linkers`: each linker of an app, with its pattern, engine and target."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from roadstead.domain.apps.descriptors import stored_base_url
from roadstead.domain.linking import linkers
from roadstead.linkify import InvalidPattern, check_linker
from roadstead.linkify import Linker as LinkerToMatch
from roadstead.model import Linker
from roadstead.web.apps import AppHead, app_of, head_of
from roadstead.web.descriptor_view import ShownPattern, pattern_in_words
from roadstead.web.page import Visit, render
from roadstead.web.parking import ParkedLinker, parked_linkers


@dataclass(frozen=True, slots=True)
class ShownLinker:
    """A linker. If an earlier version accepted a pattern that this one cannot use, `pattern` is not set."""

    key: str
    regex: str
    url: str
    value_count: int
    pattern: ShownPattern | None
    parked: list[ParkedLinker]


@dataclass(frozen=True, slots=True)
class LinkersPage:
    """Context of `app_linkers.html`."""

    head: AppHead
    linkers: list[ShownLinker]


async def show(visit: Visit) -> Response:
    app = await app_of(visit)
    declared = await linkers.list_linkers(visit.host, app.id)
    # In a thread: finding a text on which a pattern is slow takes up to 100 ms.
    patterns = await asyncio.to_thread(_patterns, declared, stored_base_url(app.descriptor))
    parked = parked_linkers(visit, app.workspace, app.app_key)
    shown = [
        ShownLinker(
            linker.key,
            linker.regex,
            linker.url,
            linker.value_count,
            pattern,
            [one for one in parked if one.key == linker.key],
        )
        for linker, pattern in zip(declared, patterns, strict=True)
    ]
    return render("app_linkers.html", LinkersPage(head_of(app, "/linkers"), shown), visit=visit)


def _patterns(declared: Sequence[Linker], base_url: str) -> list[ShownPattern | None]:
    return [_pattern(LinkerToMatch(one.key, one.regex, one.url, base_url)) for one in declared]


def _pattern(linker: LinkerToMatch) -> ShownPattern | None:
    try:
        return pattern_in_words(linker.key, check_linker(linker))
    except InvalidPattern:
        return None
