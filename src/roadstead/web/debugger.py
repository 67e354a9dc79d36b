"""`/-/jwt`: why a token is refused. One that is pasted is forgotten with the answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from roadstead.connect.diagnosis import Diagnosis
from roadstead.connect.evidence import Check
from roadstead.domain import requests
from roadstead.domain.diagnosis import explain_pasted, explain_recorded
from roadstead.errors import InvalidInput, NotFound
from roadstead.model import RecordedRequest
from roadstead.web.page import Visit, render
from roadstead.web.traffic import METHODS, Filter

_REFUSALS = 10
_VERDICTS = {"holds": "good", "fails": "error", "warning": "warning", "unknown": ""}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is examined: a token and the request that it was meant for."""

    token: str = ""
    method: str = "GET"
    url: str = "/2.0/addon/linkers"


@dataclass(frozen=True, slots=True)
class Side:
    """A canonical request, parted where it differs from the other. `there` is its first character that does."""

    same: str
    there: str
    rest: str


@dataclass(frozen=True, slots=True)
class Explained:
    """A diagnosis as it is shown."""

    cause: Check | None
    checks: list[tuple[Check, str]]
    header: str
    claims: str
    ours: Side
    theirs: Side | None


@dataclass(frozen=True, slots=True)
class DebuggerPage:
    """Context of `debugger.html`.

    `recorded` is the call that is examined, if it is one; `refusals` are the last that may be. `refusal` and `advice`
    say why nothing could be examined.
    """

    asked: Asked
    methods: tuple[str, ...]
    recorded: RecordedRequest | None
    explained: Explained | None
    refusals: list[RecordedRequest]
    refusal: str
    advice: str


async def show(visit: Visit) -> Response:
    number = visit.request.query_params.get("request", "")
    if not number:
        return await _page(visit, Asked())
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise NotFound("There is no such request.", "Choose one from the list of requests.")
    details = await requests.get_request(visit.host, int(number))
    if details.summary.direction != "in":
        raise NotFound("That was a call of ours.", "Tokens that came to us can be examined.")
    found = await explain_recorded(visit.host, details)
    asked = Asked(method=details.summary.method, url=details.summary.url)
    return await _page(visit, asked, recorded=details.summary, found=found)


async def examine(visit: Visit) -> Response:
    form = await visit.form()
    asked = Asked(form.get("token", ""), form.get("method", "GET"), form.get("url", ""))
    try:
        found = await explain_pasted(visit.host, asked.token, asked.method, asked.url)
    except InvalidInput as exc:
        return await _page(visit, asked, refused=exc)
    return await _page(visit, asked, found=found)


async def _page(
    visit: Visit,
    asked: Asked,
    *,
    recorded: RecordedRequest | None = None,
    found: Diagnosis | None = None,
    refused: InvalidInput | None = None,
) -> Response:
    refused_calls = Filter(direction="in", status="refused").expression()
    refusals, _ = await requests.page_of_requests(visit.host, refused_calls, limit=_REFUSALS)
    page = DebuggerPage(
        asked=asked,
        methods=METHODS,
        recorded=recorded,
        explained=_explained(found) if found else None,
        refusals=refusals,
        refusal=refused.message if refused else "",
        advice=refused.detail if refused else "",
    )
    return render("debugger.html", page, visit=visit, status=400 if refused else 200)


def _explained(found: Diagnosis) -> Explained:
    at = found.difference
    return Explained(
        cause=found.cause,
        checks=[(check, _VERDICTS[check.verdict]) for check in found.checks],
        header=_shown(found.header),
        claims=_shown(found.claims),
        ours=_side(found.canonical, at),
        theirs=_side(found.hashed.canonical, at) if found.hashed and at is not None else None,
    )


def _side(text: str, at: int | None) -> Side:
    return Side(text, "", "") if at is None else Side(text[:at], text[at : at + 1] or "(ends here)", text[at + 1 :])


def _shown(part: Mapping[str, object]) -> str:
    return json.dumps(part, indent=2, ensure_ascii=False) if part else ""
