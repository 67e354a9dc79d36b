"""`/site/oauth2/authorize`: an OAuth consumer asks a user for access, and the user decides.

A request that names no consumer, or an address that is not the consumer's, is an error page: the browser is sent only
to an address that an operator registered. Every other error goes there, with the `state` as it came.
"""

from dataclasses import dataclass

from starlette.responses import Response

from roadstead.domain.access import consumers, grants
from roadstead.model import Consumer, User
from roadstead.web.descriptor_view import Scope, in_words
from roadstead.web.page import Visit, render, require
from roadstead.web.redirects import back_to


@dataclass(frozen=True, slots=True)
class OAuthConsent:
    """Context of `oauth_consent.html`. `seen` is what the user decides about, and comes back with the decision."""

    consumer: Consumer
    user: User
    scopes: list[Scope]
    redirect_uri: str
    seen: str


async def ask(visit: Visit) -> Response:
    consumer, address = await _read_address(visit)
    try:
        asked = _read_asked(visit, consumer)
    except grants.Refused as exc:
        return _back(visit, address, error=exc.error, error_description=exc.message)
    seen = _seen(asked, address)
    context = OAuthConsent(consumer, visit.viewer, in_words(asked.scopes), address, seen)
    return render("oauth_consent.html", context, visit=visit, form_target=address)


async def decide(visit: Visit) -> Response:
    form = await visit.form()
    consumer, address = await _read_address(visit)
    try:
        asked = _read_asked(visit, consumer)
        if form.get("decision") != "allow":
            raise grants.Refused("access_denied", "The user refused access.")
    except grants.Refused as exc:
        return _back(visit, address, error=exc.error, error_description=exc.message)
    seen = _seen(asked, address)
    if form.get("seen", seen) != seen:
        return await ask(visit)  # the consumer was changed since the page was shown
    return _back(visit, address, code=await grants.consent(visit.host, visit.viewer, asked))


def _seen(asked: grants.Asked, address: str) -> str:
    """Return the part of a request for access that may change while the user reads the page."""
    return " ".join((address, *asked.scopes))


async def _read_address(visit: Visit) -> tuple[Consumer, str]:
    """Return the consumer and the address for the answer. Raise `InvalidInput` or `NotFound`."""
    query = visit.request.query_params
    once = all(len(query.getlist(name)) <= 1 for name in ("client_id", "redirect_uri"))
    require(once and "client_id" in query, "The request must name one OAuth consumer.", "Its key is the client_id.")
    consumer = await consumers.get_consumer(visit.host, query["client_id"])
    address = query.get("redirect_uri", consumer.callback_url)
    require(
        consumers.may_redirect(address, consumer.callback_url),
        "The redirect_uri is not the consumer's.",
        "It must be the consumer's callback URL, or an address below it.",
    )
    return consumer, address


def _read_asked(visit: Visit, consumer: Consumer) -> grants.Asked:
    query = visit.request.query_params
    if len(query.multi_items()) != len(query):
        raise grants.Refused("invalid_request", "A parameter is given more than once.")
    return grants.read_asked(consumer, query)


def _back(visit: Visit, address: str, **outcome: str) -> Response:
    """Send the browser to the consumer. `iss` tells it which host answers (RFC 9207)."""
    state = visit.request.query_params.get("state")
    given = {} if state is None else {"state": state}
    answer = back_to(address, **outcome, **given, iss=visit.host.base_url)
    answer.headers.update({"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    return answer
