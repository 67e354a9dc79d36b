"""`/{workspace}/workspace/settings/api`: the OAuth consumers of a workspace, for its owners; each has a page below."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypedDict

from starlette.responses import RedirectResponse, Response

from roadstead.connect.scopes import SCOPES
from roadstead.domain.access import consumers
from roadstead.errors import InvalidInput
from roadstead.model import Consumer
from roadstead.web.descriptor_view import in_words
from roadstead.web.page import Visit, render
from roadstead.web.scope_boxes import Box, boxes_of, ticked_in
from roadstead.web.workspace_page import (
    Action,
    Form,
    Forms,
    Here,
    Outcome,
    find_workspace,
    here_at,
    slug_in,
    text_in,
)

_TAB = "/settings/api"


@dataclass(frozen=True, slots=True)
class Created:
    """A consumer that was created just now, with its secret, which is shown once."""

    consumer: Consumer
    secret: str


@dataclass(frozen=True, slots=True)
class ConsumersPage:
    """Context of `consumers.html`. `boxes` are those of the scopes that a consumer may ask for."""

    here: Here
    consumers: list[Consumer]
    boxes: list[Box]
    created: Created | None


@dataclass(frozen=True, slots=True)
class ConsumerPage:
    """Context of `consumer.html`."""

    here: Here
    consumer: Consumer
    boxes: list[Box]


async def _list_page(visit: Visit, outcome: Outcome, *, created: Created | None = None) -> Response:
    visible = await find_workspace(visit)
    found = await consumers.list_consumers(visit.host, visible.workspace.slug, by=visit.identity)
    here = here_at(visit, visible, _TAB, outcome, done=CONSUMERS.notice(visit))
    page = ConsumersPage(here, found, _boxes(ticked_in(outcome.typed("create") or {})), created)
    return render("consumers.html", page, visit=visit, status=outcome.status)


async def _consumer_page(visit: Visit, outcome: Outcome) -> Response:
    visible = await find_workspace(visit)
    consumer = await consumers.get_consumer_of(visit.host, visible.workspace.slug, _key(visit), by=visit.identity)
    here = here_at(visit, visible, _TAB, outcome, done=CONSUMER.notice(visit), below=f"/{consumer.key}")
    typed = outcome.typed("change")
    page = ConsumerPage(here, consumer, _boxes(consumer.scopes if typed is None else ticked_in(typed)))
    return render("consumer.html", page, visit=visit, status=outcome.status)


def _boxes(ticked: Collection[str]) -> list[Box]:
    return boxes_of(in_words(sorted(SCOPES)), ticked)


async def _create(visit: Visit, form: Form) -> Response:
    made, secret = await consumers.create_consumer(visit.host, slug_in(visit), **_fields(form), by=visit.identity)
    return await _list_page(visit, Outcome(), created=Created(made, secret))


async def _change(visit: Visit, form: Form) -> None:
    await consumers.change_consumer(visit.host, slug_in(visit), _key(visit), **_fields(form), by=visit.identity)


async def _delete(visit: Visit, form: Form) -> Response:
    await consumers.delete_consumer(visit.host, slug_in(visit), form.get("key", ""), by=visit.identity)
    return RedirectResponse(f"/{slug_in(visit)}/workspace{_TAB}?done=delete", 303)


class _Fields(TypedDict):
    """What a form gives of a consumer."""

    name: str
    callback_url: str
    scopes: str
    description: str
    url: str


def _fields(form: Form) -> _Fields:
    """Return what a form gives of a consumer. Raise `InvalidInput` if no scope is ticked."""
    scopes = ticked_in(form)
    if not scopes:
        wrong = "Tick at least one scope."
        raise InvalidInput(wrong, fields={"scopes": [wrong]})
    return {
        "name": form.get("name", "").strip(),
        "callback_url": form.get("callback", "").strip(),
        "scopes": " ".join(scopes),
        "description": text_in(form, "description"),
        "url": form.get("url", "").strip(),
    }


def _key(visit: Visit) -> str:
    key: str = visit.request.path_params["key"]
    return key


_DELETE = Action(
    _delete,
    "The consumer was deleted, and all its tokens.",
    "key",
    asks="Delete the consumer {key}? All its tokens end at once, and users would have to consent to another.",
)

CONSUMERS = Forms(_list_page, {"create": Action(_create, "", "name"), "delete": _DELETE})
CONSUMER = Forms(_consumer_page, {"change": Action(_change, "The consumer was changed.", "name"), "delete": _DELETE})
