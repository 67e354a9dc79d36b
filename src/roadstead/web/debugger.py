"""`/-/jwt`: why a token is refused. A pasted token is not stored."""

from dataclasses import dataclass

from starlette.responses import Response

from roadstead.connect.diagnosis import Diagnosis
from roadstead.connect.evidence import Check
from roadstead.connect.presented import present_pasted
from roadstead.domain.access.diagnosis import explain_pasted, explain_recorded
from roadstead.domain.traffic import requests
from roadstead.errors import InvalidInput, NotFound
from roadstead.listing import PageRequest
from roadstead.web.page import Visit, render
from roadstead.web.recorded import Call, call_in_list
from roadstead.web.tokens import DecodedToken, decoded
from roadstead.web.traffic import METHODS, Filter

_REFUSALS = 10
_VERDICTS = {"passes": ("passes", "good"), "fails": ("fails", "error"), "warning": ("warning", "warning")}
"""For each verdict, its word on the page and its class in the stylesheet."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A token to examine, and the request that it was made for."""

    token: str = ""
    method: str = "GET"
    url: str = "/2.0/addon/linkers"


@dataclass(frozen=True, slots=True)
class Side:
    """A canonical request, split at `there`, its first character that differs from the other one."""

    same: str
    there: str
    rest: str


@dataclass(frozen=True, slots=True)
class ShownCheck:
    check: Check
    word: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Explained:
    """A diagnosis, as the page shows it."""

    cause: Check | None
    checks: list[ShownCheck]
    token: DecodedToken | None
    ours: Side
    theirs: Side | None


@dataclass(frozen=True, slots=True)
class DebuggerPage:
    """Context of `debugger.html`, and of `parts/examined.html`, the part that changes during typing.

    `recorded` is the recorded call that is examined, if it is one; `refusals` are the newest ones to choose from.
    `wrong` has the error of each field that cannot be used, by the field's name.
    """

    asked: Asked
    methods: tuple[str, ...]
    recorded: Call | None
    explained: Explained | None
    refusals: list[Call]
    wrong: dict[str, str]


async def show(visit: Visit) -> Response:
    number = visit.request.query_params.get("request", "")
    if not number:
        return await _page(visit, Asked())
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise NotFound("There is no such call.", "Choose one in Requests.")
    details = await requests.get_request(visit.host, int(number))
    if details.summary.direction != "in":
        raise NotFound("This call went from this host to an app.", "Only tokens that apps sent can be examined.")
    found = await explain_recorded(visit.host, details)
    token = decoded(details.credential, details.summary.time, of_call=True)
    asked = Asked(method=details.summary.method, url=details.summary.url)
    return await _page(visit, asked, recorded=call_in_list(details.summary), explained=_explained(found, token))


async def examine(visit: Visit) -> Response:
    form = await visit.form()
    asked = Asked(form.get("token", ""), form.get("method", "GET"), form.get("url", ""))
    try:
        found = await explain_pasted(visit.host, asked.token, asked.method, asked.url)
    except InvalidInput as exc:
        wrong = dict.fromkeys(exc.fields or ("token",), f"{exc.message} {exc.detail}")
        return await _page(visit, asked, wrong=wrong)
    token = decoded(present_pasted(asked.token), visit.host.now(), of_call=False)
    return await _page(visit, asked, explained=_explained(found, token))


async def _page(
    visit: Visit,
    asked: Asked,
    *,
    recorded: Call | None = None,
    explained: Explained | None = None,
    wrong: dict[str, str] | None = None,
) -> Response:
    refused_calls = Filter(direction="in", status="refused").expression()
    newest = PageRequest(number=1, length=_REFUSALS, filter=refused_calls)
    refusals = await requests.page_of_requests(visit.host, newest)
    page = DebuggerPage(
        asked=asked,
        methods=METHODS,
        recorded=recorded,
        explained=explained,
        refusals=[call_in_list(call) for call in refusals.items],
        wrong=wrong or {},
    )
    template = "parts/examined.html" if visit.part_only else "debugger.html"
    return render(template, page, visit=visit, status=400 if wrong and not visit.part_only else 200)


def _explained(found: Diagnosis, token: DecodedToken | None) -> Explained:
    at = found.difference
    return Explained(
        cause=found.cause,
        checks=[ShownCheck(check, *_VERDICTS.get(check.verdict, (check.verdict, ""))) for check in found.checks],
        token=token,
        ours=_side(found.canonical, at),
        theirs=_side(found.hashed.canonical, at) if found.hashed and at is not None else None,
    )


def _side(text: str, at: int | None) -> Side:
    return Side(text, "", "") if at is None else Side(text[:at], text[at : at + 1] or "(ends here)", text[at + 1 :])
