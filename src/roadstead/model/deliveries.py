"""Deliveries: one for each event and subscriber, and its attempts."""

from datetime import datetime
from typing import Generic, Literal, NamedTuple, TypeVar

import msgspec

from roadstead.listing import Field, Listing, fields_of

Moment = TypeVar("Moment")

State = Literal["pending", "delivered", "failed", "given up"]
"""`failed` is final, because of the subscriber's answer; `given up` is final after the last attempt."""


class DeliveryMembers(msgspec.Struct, Generic[Moment], frozen=True):
    """A delivery of an event to a subscriber, and the outcome of its last attempt.

    `hook` and `request_id` are sent with it, `X-Hook-UUID` and `X-Request-UUID`. `status` is that of the answer; where
    there was none, `error` says why. `workspace` and `repository` are named as at the time of the event. `resent_from`
    is the delivery that an operator sent again as this one, with another body if it `is_edited`. A sample tells of an
    event that did not happen.
    """

    id: int
    time: Moment
    event: str
    hook: str
    url: str
    status: int | None
    error: str | None
    attempts: int
    request_id: str
    state: State
    workspace: str
    repository: str | None
    duration_ms: float | None
    resent_from: int | None
    is_edited: bool
    is_sample: bool


class Delivery(DeliveryMembers[datetime], frozen=True):
    """A delivery as it is stored. Others have its members with the moment in another form."""


FLAGS = {name: f"({name} = 1)" for name in ("is_edited", "is_sample")}
"""The columns of members that are true or false."""
DELIVERY_LIST = Listing(
    *(field for field in fields_of(Delivery, unique="id") if field.name not in FLAGS),
    *(Field(name, bool, column) for name, column in FLAGS.items()),
    order="-id",
)


class Attempt(msgspec.Struct, frozen=True):
    """One attempt of a delivery, and its outcome."""

    time: str
    status: int | None
    error: str | None
    duration_ms: float


class DeliveryDetails(msgspec.Struct, frozen=True):
    """Everything that is stored of a delivery: the last request without secrets, and the beginning of its answer.

    `next_try_on` is the time of the next attempt; a pending delivery without it waits for an earlier one.
    """

    summary: Delivery
    request_headers: tuple[tuple[str, str], ...]
    content: str
    answer_headers: tuple[tuple[str, str], ...]
    answer_body: str
    answer_size: int
    attempts: tuple[Attempt, ...]
    next_try_on: datetime | None


class NewDelivery(NamedTuple):
    """A delivery to store. Those of one `lane` are made in order, and `target` is the server that they go to.

    It goes to a hook, by its `hook_id`, or to the app of an installation. Unless it is pending, it is not sent, and
    `error` says why.
    """

    event: str
    event_time: datetime
    hook: str
    hook_id: int | None
    installation_id: int | None
    workspace: str
    repository: str | None
    lane: str
    target: str
    url: str
    request_id: str
    content: str
    state: State = "pending"
    error: str | None = None
    resent_from: int | None = None
    is_edited: bool = False
    is_sample: bool = False


class PendingDelivery(NamedTuple):
    """What is needed to make an attempt. `outcomes` are those of earlier ones, as they are stored."""

    id: int
    time: datetime
    event: str
    hook: str
    url: str
    request_id: str
    hook_id: int | None
    installation_id: int | None
    event_time: datetime
    lane: str
    content: str
    is_sample: bool
    outcomes: str


class Outcome(NamedTuple):
    """The outcome of an attempt: the request without secrets, and an answer or an error. `headers` are pairs."""

    time: datetime
    request_headers: tuple[tuple[str, str], ...] = ()
    status: int | None = None
    error: str | None = None
    duration_ms: float = 0
    answer_headers: tuple[tuple[str, str], ...] = ()
    answer_body: str = ""
    answer_size: int = 0
