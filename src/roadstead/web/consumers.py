"""`/{workspace}/workspace/settings/api`: the OAuth consumers of a workspace, for its owners."""

from dataclasses import dataclass

from starlette.responses import Response

from roadstead.connect.scopes import SCOPES
from roadstead.domain.access import consumers
from roadstead.errors import InvalidInput
from roadstead.model import Consumer
from roadstead.web.descriptor_view import in_words
from roadstead.web.page import Visit, render
from roadstead.web.scope_boxes import Box, boxes_of, ticked_in
from roadstead.web.workspace_page import Action, Form, Forms, Here, Outcome, find_workspace, here_at, slug_in


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


async def _page(visit: Visit, outcome: Outcome, *, created: Created | None = None) -> Response:
    visible = await find_workspace(visit)
    found = await consumers.list_consumers(visit.host, visible.workspace.slug, by=visit.identity)
    here = here_at(visit, visible, "/settings/api", outcome, done=FORMS.notice(visit))
    ticked = ticked_in(outcome.typed("create") or {})
    page = ConsumersPage(here, found, boxes_of(in_words(sorted(SCOPES)), ticked), created)
    return render("consumers.html", page, visit=visit, status=outcome.status)


async def _create(visit: Visit, form: Form) -> Response:
    scopes = ticked_in(form)
    if not scopes:
        wrong = "Tick at least one scope."
        raise InvalidInput(wrong, fields={"scopes": [wrong]})
    made, secret = await consumers.create_consumer(
        visit.host,
        slug_in(visit),
        form.get("name", "").strip(),
        callback_url=form.get("callback", "").strip(),
        scopes=" ".join(scopes),
        by=visit.identity,
    )
    return await _page(visit, Outcome(), created=Created(made, secret))


async def _delete(visit: Visit, form: Form) -> None:
    await consumers.delete_consumer(visit.host, slug_in(visit), form.get("key", ""), by=visit.identity)


FORMS = Forms(
    _page,
    {
        "create": Action(_create, "", "name"),
        "delete": Action(
            _delete,
            "The consumer was deleted, and all its tokens.",
            "key",
            asks="Delete the consumer {key}? All its tokens end at once, and users would have to consent to another.",
        ),
    },
)
