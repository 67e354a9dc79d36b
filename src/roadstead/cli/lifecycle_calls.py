"""Lifecycle calls in words and as data."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from roadstead.model import LifecycleCall


def outcome(call: "LifecycleCall") -> str:
    """What came of the last try."""
    if call.status is not None:
        return f"it answered {call.status} in {call.duration_ms} ms"
    return (call.error or "no answer yet").rstrip(".")


def prospect(call: "LifecycleCall") -> str:
    """What is still to come; empty where nothing is."""
    if call.given_up_on is not None:
        return f"given up on {moment(call.given_up_on)} after {call.attempts} tries"
    if call.due_on is None:
        return ""
    if call.attempts == 0:
        return "waiting for a running host"
    return f"try {call.attempts + 1} from {moment(call.due_on)} on"


def moment(time: "datetime") -> str:
    return time.isoformat(" ", "seconds")


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
