"""Lifecycle calls in words and as data."""

from typing import TYPE_CHECKING, Any

from roadstead.cli.output import when
from roadstead.plain import plain

if TYPE_CHECKING:
    from roadstead.model import LifecycleCall


def outcome(call: "LifecycleCall") -> str:
    """Return the outcome of the last attempt, to follow a colon."""
    if call.status is not None:
        return f"it answered {call.status} in {call.duration_ms} ms."
    return call.error or "it has not answered yet."


def notification(call: "LifecycleCall") -> str:
    """Return in a sentence whether the app could be notified, with its answer."""
    from roadstead.gist import gist

    reached = "could not be notified" if prospect(call) or call.error else "was notified"
    answer = " ".join(gist(call.body or "").split())
    return plain(f"The app {reached}: {outcome(call)} {answer}".rstrip())


def prospect(call: "LifecycleCall") -> str:
    """Return in a sentence when the next attempt is due, or that there is none; empty for a call that is done."""
    from roadstead.domain.apps.lifecycle import QUEUE

    if call.given_up_on is not None:
        return f"Given up after {call.attempts} attempts, at {when(call.given_up_on)}."
    if call.due_on is None:
        return ""
    if call.attempts == 0:
        return "Waiting for a running host."
    return f"Next attempt ({call.attempts + 1} of {QUEUE.retry.tries}) at {when(call.due_on)}."


def remarks(call: "LifecycleCall") -> str:
    """Return the lines to print below a call: why there was no answer, and when the next attempt is due."""
    return "\n".join(filter(None, (call.error, prospect(call))))


def as_data(call: "LifecycleCall") -> dict[str, Any]:
    return {
        "id": call.id,
        "event": call.event,
        "url": call.url,
        "created_on": call.created_on.isoformat(),
        "status": call.status,
        "error": call.error,
        "body": call.body,
        "request": call.request,
        "duration_ms": call.duration_ms,
        "attempts": call.attempts,
        "next_try_on": call.due_on and call.due_on.isoformat(),
        "given_up_on": call.given_up_on and call.given_up_on.isoformat(),
    }
