"""`/-/deliveries`: what was sent to hooks and apps, and what they answered."""

from typing import Annotated, NotRequired, TypedDict

import msgspec

from roadstead.api.answers import Answer, json_answer
from roadstead.api.bodies import Shape
from roadstead.api.listing import Page, Partial, page_answer, shaped
from roadstead.api.needs import OPERATOR
from roadstead.api.operation import Call
from roadstead.control.map import DELIVERIES as OPERATIONS
from roadstead.control.shapes import MessageResource, as_data
from roadstead.errors import InvalidInput
from roadstead.events import deliveries
from roadstead.listing import PageRequest
from roadstead.model.deliveries import DELIVERY_LIST, Attempt, Delivery, DeliveryDetails, DeliveryMembers


class DeliverySummary(DeliveryMembers[str], frozen=True):
    """A delivery of an event to a subscriber, and the outcome of its last attempt."""


class WholeDelivery(DeliverySummary, frozen=True):
    """Everything that is stored of a delivery. `tries` are its attempts, and `next_try_on` the time of the next one."""

    request: MessageResource
    answer: MessageResource | None
    tries: tuple[Attempt, ...]
    next_try_on: str | None


class Edit(TypedDict):
    """Another body to send; without it, the body is sent as it was."""

    body: NotRequired[Annotated[str, msgspec.Meta(examples=["{}"])]]


def _edit_wanted(body: bytes, complaint: str) -> InvalidInput:
    return InvalidInput("The body may give another body to send.", 'Send nothing, or {"body": "{…}"}.')


_EDIT: Shape[str | None] = Shape(Edit | None, lambda given: (given or {}).get("body"), _edit_wanted)


@OPERATIONS.get(needs=OPERATOR, lists=DELIVERY_LIST, gives={200: Page[DeliverySummary]})
async def list_deliveries(call: Call, wanted: PageRequest) -> Answer:
    """List the deliveries, the newest first unless sorted otherwise."""
    page = await deliveries.page_of_deliveries(call.host, wanted)
    return page_answer(call, page.of([delivery_summary(one) for one in page.items]))


@OPERATIONS.get("/{delivery_id:int}", needs=OPERATOR, query=Partial, gives={200: WholeDelivery})
async def get_delivery(call: Call) -> Answer:
    """Return one delivery with the last request, its answer, and all attempts."""
    return shaped(call, whole_delivery(await deliveries.get_delivery(call.host, call.path["delivery_id"])))


@OPERATIONS.post("/{delivery_id:int}/resend", needs=OPERATOR, takes=_EDIT, gives={201: WholeDelivery})
async def resend_delivery(call: Call, body: str | None) -> Answer:
    """Send a delivery again, as another one, out of turn and signed anew."""
    again = await deliveries.resend(call.host, call.path["delivery_id"], body)
    found = whole_delivery(await deliveries.get_delivery(call.host, again))
    return json_answer(found, 201, headers={"Location": call.url(get_delivery, again)})


def delivery_summary(delivery: Delivery) -> DeliverySummary:
    """Return a delivery as data."""
    return DeliverySummary(**as_data(delivery))


def whole_delivery(details: DeliveryDetails) -> WholeDelivery:
    """Return everything that is known of a delivery as data."""
    answered = details.summary.status is not None
    return WholeDelivery(
        **as_data(details.summary),
        request=MessageResource(details.request_headers, details.content),
        answer=MessageResource(details.answer_headers, details.answer_body) if answered else None,
        tries=details.attempts,
        next_try_on=details.next_try_on.isoformat(timespec="microseconds") if details.next_try_on else None,
    )
