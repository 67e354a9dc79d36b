"""`/-/health`: whether this process answers, and whether requests can be served."""

from typing import Literal, NotRequired, TypedDict

from roadstead import __version__
from roadstead.api.answers import Answer, json_answer
from roadstead.api.needs import ANYONE
from roadstead.api.operation import Call
from roadstead.control.map import HEALTH as OPERATIONS
from roadstead.domain.telemetry.readiness import check_readiness


class Health(TypedDict):
    status: Literal["ok"]
    version: NotRequired[str]


@OPERATIONS.get("/live", needs=ANYONE, gives={200: Health})
async def live(call: Call) -> Answer:
    """Answer while this process is alive."""
    health: Health = {"status": "ok", "version": __version__}
    return json_answer(health)


@OPERATIONS.get("/ready", needs=ANYONE, gives={200: Health}, refuses=(503,))
async def ready(call: Call) -> Answer:
    """Answer 200 when requests can be served: the database answers, its schema fits, its secrets can be read."""
    await check_readiness(call.host)
    health: Health = {"status": "ok"}
    return json_answer(health)
