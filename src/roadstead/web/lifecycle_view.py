"""Lifecycle calls as the pages show them."""

from dataclasses import dataclass

from roadstead.domain.apps.lifecycle import QUEUE
from roadstead.gist import gist
from roadstead.model import LifecycleCall
from roadstead.web.bodies import pretty


@dataclass(frozen=True, slots=True)
class ShownCall:
    """A lifecycle call. `outcome` is its status, or a word for it, and `verdict` a class of the stylesheet.

    `request` is its number among the recorded requests, while the record exists. A call that `can_be_repeated` is still
    in the queue; `next_attempt` is then the number of the next attempt.
    """

    call: LifecycleCall
    outcome: str
    verdict: str
    answer: str
    request: int | None
    can_be_repeated: bool
    next_attempt: str


def shown_call(call: LifecycleCall, request: int | None = None) -> ShownCall:
    return ShownCall(
        call=call,
        outcome=_outcome(call),
        verdict=_verdict(call),
        answer=pretty(gist(call.body or "")),
        request=request,
        can_be_repeated=call.due_on is not None or call.given_up_on is not None,
        next_attempt=_next_attempt(call),
    )


def _next_attempt(call: LifecycleCall) -> str:
    return f"Next attempt ({call.attempts + 1} of {QUEUE.retry.tries})" if call.due_on and call.attempts else ""


def _outcome(call: LifecycleCall) -> str:
    if call.status is not None:
        return str(call.status)
    if call.error:
        return "no answer" if call.request else "not sent"
    return "not sent yet"


def _verdict(call: LifecycleCall) -> str:
    if call.status is None:
        return "error" if call.error and call.request else ""
    return "good" if call.status < 300 else "error"
