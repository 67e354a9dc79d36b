"""`/-/linkify` and `/-/linkers`: linkers over any text, and their counts."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, NamedTuple, NotRequired, TypedDict

import msgspec
from msgspec.structs import replace

from roadstead.api.answers import Answer, json_answer
from roadstead.api.bodies import Shape
from roadstead.api.listing import Page, page_answer
from roadstead.api.needs import ANY_CREDENTIAL_OR_LOCAL, OPERATOR
from roadstead.api.operation import Call
from roadstead.control.map import LINKIFY as OPERATIONS
from roadstead.domain.linking.parking import Record, links_by_linker
from roadstead.domain.linking.workspaces import WorkspaceLinkers
from roadstead.domain.people.workspaces import expect_visible
from roadstead.errors import InvalidInput
from roadstead.linkify import (
    CompiledLinkers,
    Explanation,
    Link,
    Linker,
    Linkified,
    LinkifiedHtml,
    LinkifiedMarkdown,
    PatternReport,
    Unfinished,
    Witness,
    check_linker,
    explain,
    explain_markdown,
    linkify_html,
    linkify_markdown,
    render_html,
    render_terminal,
)
from roadstead.listing import Field, Listing, PageRequest, slice_of

FORMATS = {
    "text": ("html", "markdown", "terminal", "json"),
    "html": ("html", "json"),
    "markdown": ("markdown", "json"),
}
"""The output formats, by input; the first is the default."""
SHORT_TEXT = 2_000
"""Characters. A longer text, and any text of a workspace with a linker that may take long, is linked in a thread, so
that other requests are answered meanwhile.
"""
DEFAULT_WORKSPACE = "local"
LONGEST_HTML = 1_000_000
"""Characters. The end of HTML cannot be left out, as that of a text, without changing what it shows."""


class WorkspaceQuery(TypedDict, total=False):
    """Which workspace is asked about."""

    workspace: Annotated[str, msgspec.Meta(description=f"Default {DEFAULT_WORKSPACE}.", examples=[DEFAULT_WORKSPACE])]


class Text(TypedDict):
    """`format` is that of `rendered`; `explain` asks for the reason of each candidate.

    With the format `markdown`, a text is read as Markdown.
    """

    text: Annotated[str, msgspec.Meta(examples=["fixes BB-1234"])]
    workspace: NotRequired[Annotated[str, msgspec.Meta(examples=[DEFAULT_WORKSPACE])]]
    input: NotRequired[Literal["text", "html", "markdown"]]
    format: NotRequired[Literal["html", "markdown", "terminal", "json"]]
    explain: NotRequired[bool]


class LinkResource(TypedDict):
    """A link. `start` and `end` are characters of the text; in HTML there are none. A bare URL has no linker."""

    start: NotRequired[int]
    end: NotRequired[int]
    text: str
    url: str
    linker: str | None
    app: str | None


class Limit(TypedDict):
    """A limit that a linker met, or with `linker` null, the text as a whole."""

    linker: str | None
    app: str | None
    reason: str


class CandidateResource(TypedDict):
    """A match of a pattern, and why it is a link or not."""

    start: int
    end: int
    text: str
    linker: str | None
    app: str | None
    groups: Mapping[str, str]
    url: str | None
    reason: str


class WitnessResource(TypedDict):
    """A text that is hostile with a pattern: `before`, then `pump` repeated, then `after`."""

    before: str
    pump: str
    after: str


class TriedLinker(TypedDict):
    """A linker's counts on the text."""

    linker: str
    app: str
    engine: str
    value_count: int
    candidates: int
    links: int
    milliseconds: float
    limited: bool
    reason: str
    witness: WitnessResource | None


class ExplanationResource(TypedDict):
    candidates: list[CandidateResource]
    omitted: int
    linkers: list[TriedLinker]


class LinkedText(TypedDict):
    text: str
    links: list[LinkResource]
    unfinished: list[Limit]
    rendered: NotRequired[str]
    explanation: NotRequired[ExplanationResource]


class LinkerRecord(TypedDict):
    """A linker of a workspace, and its counts since this process started."""

    app: str
    linker: str
    regex: str
    engine: Literal["linear", "bounded"]
    hostile: bool
    witness: WitnessResource | None
    value_count: int
    links: int
    out_of_time: int
    other_limits: int
    parked_until: str | None


_LINKERS = Listing(
    Field("app", str),
    Field("linker", str),
    Field("regex", str),
    Field("engine", str),
    Field("hostile", bool),
    Field("value_count", int),
    Field("links", int),
    Field("out_of_time", int),
    Field("parked_until", datetime),
)


class _Asked(msgspec.Struct, frozen=True):
    text: str
    workspace: str = DEFAULT_WORKSPACE
    input: str = "text"
    format: str = ""
    explain: bool = False

    @property
    def is_markdown(self) -> bool:
        return "markdown" in (self.input, self.format)


def _text_wanted(body: bytes, complaint: str) -> InvalidInput:
    return InvalidInput(
        "The body must give the text.", f'{complaint} Send {{"text": "fixes BB-1234"}}.', fields={"text": ["Required."]}
    )


def _checked(asked: _Asked) -> _Asked:
    """Return the request with its format. Raise `InvalidInput`."""
    if asked.input not in FORMATS:
        raise InvalidInput(f"There is no input {asked.input!r}.", f"Choose one of: {', '.join(FORMATS)}.")
    asked = replace(asked, format=asked.format or FORMATS[asked.input][0])
    if asked.format not in FORMATS[asked.input]:
        reason = f"There is no format {asked.format!r} for {asked.input} input."
        raise InvalidInput(reason, f"Choose one of: {', '.join(FORMATS[asked.input])}.")
    if asked.explain and asked.input == "html":
        raise InvalidInput("HTML cannot be explained.", "Send the text of one of its elements.")
    if asked.input == "html" and len(asked.text) > LONGEST_HTML:
        raise InvalidInput("The HTML is too long.", f"At most {LONGEST_HTML} characters of it are taken.")
    return asked


_ASKED: Shape[_Asked] = Shape(_Asked, _checked, _text_wanted)


@OPERATIONS.post("/linkify", needs=ANY_CREDENTIAL_OR_LOCAL, takes=_ASKED, gives={200: LinkedText}, refuses=(404,))
async def linkify(call: Call, asked: _Asked) -> Answer:
    """Link a text with the linkers of a workspace, and render it."""
    linkers: WorkspaceLinkers = call.state["linkers"]
    await expect_visible(call.host, call.identity, asked.workspace)
    compiled = await linkers.of(asked.workspace)
    quick = len(asked.text) <= SHORT_TEXT and compiled.quick and not (asked.explain or asked.is_markdown)
    if quick:
        made = _linkify(compiled, asked)
    else:
        made = await linkers.in_thread(call.identity.installation_id or asked.workspace, _linkify, compiled, asked)
    linkers.count(compiled.engine, len(asked.text), made.links, made.unfinished, made.seconds)
    return made.answer


@OPERATIONS.get(
    "/linkers",
    needs=OPERATOR,
    lists=_LINKERS,
    query=WorkspaceQuery,
    gives={200: Page[LinkerRecord]},
    refuses=(404,),
)
async def list_linkers(call: Call, wanted: PageRequest) -> Answer:
    """List the linkers of a workspace in the order in which they win, with their counts since this process started."""
    linkers: WorkspaceLinkers = call.state["linkers"]
    workspace = call.query.get("workspace", DEFAULT_WORKSPACE)
    compiled = await linkers.of(workspace)
    reports = await linkers.in_thread(workspace, _reports, compiled.linkers)
    parked = {linker: call.host.now() + timedelta(seconds=left) for linker, left in linkers.records.parked().items()}
    items = [
        _linker(linker, *report, compiled.value_count(number), linkers.records.of(linker), parked.get(linker))
        for number, (linker, report) in enumerate(zip(compiled.linkers, reports, strict=True))
    ]
    return page_answer(call, slice_of(items, wanted))


def linked(result: Linkified) -> LinkedText:
    """Return the links of a text as data. Offsets are those of the string, in characters."""
    return {
        "text": result.text,
        "links": [_link(link) for link in result.links],
        "unfinished": [_limit(one) for one in result.unfinished],
    }


def linked_html(html: str, result: LinkifiedHtml) -> LinkedText:
    """Return the links of HTML as data. They have no offsets, because the HTML is rewritten."""
    return {
        "text": html,
        "links": [_target(link) for link in result.links],
        "unfinished": [_limit(one) for one in result.unfinished],
    }


def _limit(limit: Unfinished) -> Limit:
    """Return a limit of a linker, or of the text as a whole."""
    return {
        "linker": limit.linker.key if limit.linker else None,
        "app": limit.linker.app_key if limit.linker else None,
        "reason": limit.reason,
    }


def _link(link: Link) -> LinkResource:
    return {"start": link.start, "end": link.end, **_target(link)}


def _target(link: Link) -> LinkResource:
    return {
        "text": link.text,
        "url": link.url,
        "linker": link.linker.key if link.linker else None,
        "app": link.linker.app_key if link.linker else None,
    }


def explained(explanation: Explanation) -> ExplanationResource:
    """Return an explanation as data."""
    return {
        "candidates": [
            {
                "start": candidate.start,
                "end": candidate.end,
                "text": candidate.text,
                "linker": candidate.linker.key if candidate.linker else None,
                "app": candidate.linker.app_key if candidate.linker else None,
                "groups": candidate.groups,
                "url": candidate.url,
                "reason": candidate.reason,
            }
            for candidate in explanation.candidates
        ],
        "omitted": explanation.omitted,
        "linkers": [
            {
                "linker": tried.linker.key,
                "app": tried.linker.app_key,
                "engine": tried.engine,
                "value_count": tried.value_count,
                "candidates": tried.candidates,
                "links": tried.links,
                "milliseconds": tried.milliseconds,
                "limited": tried.limited,
                "reason": tried.reason,
                "witness": _witness(tried.witness),
            }
            for tried in explanation.linkers
        ],
    }


class _Made(NamedTuple):
    answer: Answer
    links: Counter[Linker]
    unfinished: Sequence[Unfinished]
    seconds: float


def _linkify(linkers: CompiledLinkers, asked: _Asked) -> _Made:
    began = time.perf_counter()
    result: Linkified | LinkifiedHtml
    if asked.input == "html":
        result = linkify_html(linkers, asked.text)
        body, rendered = linked_html(asked.text, result), result.html
    else:
        result, explanation = _linked(linkers, asked)
        body, rendered = linked(result), _rendered(result, asked.format)
        if explanation:
            body["explanation"] = explained(explanation)
    if asked.format != "json":
        body["rendered"] = rendered
    links = links_by_linker(result.links)
    return _Made(json_answer(body), links, result.unfinished, time.perf_counter() - began)


def _linked(linkers: CompiledLinkers, asked: _Asked) -> tuple[Linkified, Explanation | None]:
    if asked.explain:
        explanation = (explain_markdown if asked.is_markdown else explain)(linkers, asked.text)
        return explanation.linkified, explanation
    return linkify_markdown(linkers, asked.text) if asked.is_markdown else linkers.linkify(asked.text), None


def _rendered(result: Linkified, form: str) -> str:
    if isinstance(result, LinkifiedMarkdown):
        return result.markdown
    return render_terminal(result) if form == "terminal" else render_html(result)


def _reports(linkers: Sequence[Linker]) -> list[tuple[PatternReport, WitnessResource | None]]:
    """Return reports on the patterns, which may take a while for hostile ones."""
    return [(report, _witness(report.witness)) for report in map(check_linker, linkers)]


def _linker(
    linker: Linker,
    report: PatternReport,
    witness: WitnessResource | None,
    value_count: int,
    record: Record,
    parked_until: datetime | None,
) -> LinkerRecord:
    return {
        "app": linker.app_key,
        "linker": linker.key,
        "regex": linker.regex,
        "engine": report.engine,
        "hostile": report.hostile,
        "witness": witness,
        "value_count": value_count,
        "links": record.links,
        "out_of_time": record.out_of_time,
        "other_limits": record.other_limits,
        "parked_until": parked_until.isoformat() if parked_until else None,
    }


def _witness(witness: Witness | None) -> WitnessResource | None:
    return {"before": witness.before, "pump": witness.pump, "after": witness.after} if witness else None
